"""Subjects in the store: put there by content, found again by name.

It does not know what a model is made of, only its files. `subject.json`, written last, means that
all of them are there.
"""

from pathlib import Path

from bodyswap.errors import SubjectError
from bodyswap.subjects import CARD, find_local_subject
from cluster.inspection import Inspector
from cluster.job import SubjectFile, SubjectRef
from cluster.keys import SUBJECTS, key_part, subject_file
from cluster.record import file_hash, from_json, to_json
from cluster.store import Store, missing

_MARKER = "subject.json"


def find_subject(
    store: Store, reference: str, inspector: Inspector
) -> tuple[SubjectRef, Path | None]:
    """The subject at a folder, packaged, or in the store, and its local folder if it has one.

    In the store a subject is called "name" or, where it has several versions, "name@version".

    Raises:
        SubjectError: there is no such subject, it is damaged, or `reference` fits several.
    """
    try:
        folder = find_local_subject(reference)
    except SubjectError:
        stored = _stored(store, reference)
        if stored is None:
            raise
        return stored, None
    return _described(folder, inspector), folder


def read_card_text(store: Store, subject: SubjectRef, folder: Path | None) -> str:
    """The text of the subject's card, from their folder if they have one, else from the store."""
    if folder is not None:
        return (folder / CARD).read_text()
    key = subject_file(subject, CARD)
    data = store.get(key)
    if data is None:
        raise missing(key, store.url)
    return data.decode()


def put_subject(store: Store, subject: SubjectRef, folder: Path) -> None:
    """Store the subject's files, unless they are there."""
    marker = subject_file(subject, _MARKER)
    if store.head(marker) is None:
        for file in subject.files:
            store.put_file(subject_file(subject, file.name), folder / file.name)
        store.put_if_absent(marker, to_json(subject))


def _described(folder: Path, inspector: Inspector) -> SubjectRef:
    facts = inspector.subject(folder)
    for name in (facts.name, *facts.files):
        if key_part(name) != name:
            raise SubjectError(
                f"'{name}' of subject {folder} is no name to store; use letters only"
            )
    files = (SubjectFile(name=name, sha256=file_hash(folder / name)) for name in facts.files)
    return SubjectRef(name=facts.name, files=tuple(files))


def _stored(store: Store, reference: str) -> SubjectRef | None:
    name, _, version = reference.partition("@")
    if not name or key_part(name) != name:
        return None
    keys = [
        key
        for key in store.list_keys(f"{SUBJECTS}{name}/")
        if key.endswith(f"/{_MARKER}") and key.split("/")[2].startswith(version)
    ]
    if len(keys) > 1:
        versions = ", ".join(f"{name}@{key.split('/')[2]}" for key in keys)
        raise SubjectError(f"subject '{reference}' has several versions; name one: {versions}")
    data = store.get(keys[0]) if keys else None
    return None if data is None else from_json(data, SubjectRef, what=keys[0])
