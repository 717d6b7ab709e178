"""Subjects in the store: put there by content, found again by name.

It does not know what a model is made of, only its files. `subject.json`, written last, means that
all of them are there.
"""

import hashlib
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from bodyswap.errors import IntegrityError, SubjectError
from bodyswap.spelling import near_miss
from bodyswap.subjects import CARD, find_local_subject, no_subject, packaged_subjects
from cluster.jobs.inspection import Inspector
from cluster.jobs.keys import SUBJECTS, key_part, subject_file
from cluster.jobs.refs import SubjectFile, SubjectRef
from cluster.stores.record import file_hash, from_json, to_json
from cluster.stores.store import Store, missing

MARKER = "subject.json"
_HOW_TO_STORE = "`bodyswap subject list` tells who is, `bodyswap subject push` puts one there"


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
        stored = find_stored_subject(store, reference)
        if stored is None:
            raise no_subject(reference, known_subjects(store)) from None
        return stored, None
    return describe_subject(folder, inspector), folder


def describe_subject(folder: Path, inspector: Inspector) -> SubjectRef:
    """The subject in a folder, by content.

    Raises:
        SubjectError: the model cannot be used, or a file's name cannot be a key.
    """
    facts = inspector.subject(folder)
    for name in (facts.name, *facts.files):
        if key_part(name) != name:
            raise SubjectError(
                f"'{name}' of subject {folder} is no name to store; use letters only"
            )
    files = (SubjectFile(name=name, sha256=file_hash(folder / name)) for name in facts.files)
    return SubjectRef(name=facts.name, files=tuple(files))


def read_card_text(store: Store, subject: SubjectRef, folder: Path | None) -> str:
    """The text of the subject's card, from their folder if they have one, else from the store."""
    if folder is not None:
        return (folder / CARD).read_text()
    key = subject_file(subject, CARD)
    data = store.get(key)
    if data is None:
        raise missing(key, store.url)
    return data.decode()


def stored_subjects(store: Store) -> list[SubjectRef]:
    """Every whole subject in the store, by name."""
    return [_read_marker(store, key) for key in _markers(store, SUBJECTS)]


def known_subjects(store: Store) -> list[str]:
    """The names of the packaged subjects and of the store's, with versions where it has several."""
    stored = [key.split("/")[1:3] for key in _markers(store, SUBJECTS)]
    several = Counter(name for name, _ in stored)
    called = [f"{name}@{version}" if several[name] > 1 else name for name, version in stored]
    return [*packaged_subjects(), *called]


def find_stored_subject(store: Store, reference: str) -> SubjectRef | None:
    """The subject called "name" or "name@version" in the store, or None.

    Raises:
        SubjectError: there are several.
    """
    name, _, version = reference.partition("@")
    if not name or key_part(name) != name:
        return None
    keys = [
        key
        for key in _markers(store, f"{SUBJECTS}{name}/")
        if key.split("/")[2].startswith(version)
    ]
    if len(keys) > 1:
        versions = ", ".join(f"{name}@{key.split('/')[2]}" for key in keys)
        raise SubjectError(f"subject '{reference}' has several versions; name one: {versions}")
    return _read_marker(store, keys[0]) if keys else None


def stored_subject(store: Store, reference: str) -> SubjectRef:
    """The same. Raises SubjectError where there is none, too."""
    subject = find_stored_subject(store, reference)
    if subject is None:
        near = near_miss(reference, {key.split("/")[1] for key in _markers(store, SUBJECTS)})
        raise SubjectError(
            f"subject '{reference}' is not in the store at {store.url}; {near or _HOW_TO_STORE}"
        )
    return subject


def read_subject_file(store: Store, subject: SubjectRef, name: str) -> bytes | None:
    """A file of a stored subject, or None where it has none of that name.

    Raises:
        IntegrityError: it is not what was stored.
    """
    wanted = {file.name: file.sha256 for file in subject.files}.get(name)
    if wanted is None:
        return None
    key = subject_file(subject, name)
    data = store.get(key)
    if data is None:
        raise missing(key, store.url)
    _check(key, hashlib.sha256(data).hexdigest(), wanted)
    return data


def pull_subject(store: Store, subject: SubjectRef, folder: Path) -> None:
    """Fetch the subject into `folder`, which appears whole and proven, or not at all.

    Raises:
        IntegrityError: a file in the store is not what was stored.
        SubjectError: `folder` is there already, and is not this subject.
    """
    if folder.exists():
        if _is_whole(subject, folder):
            return
        raise SubjectError(f"'{folder}' is there already, and is another; give another --out")
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for file in subject.files:
            key = subject_file(subject, file.name)
            store.fetch_file(key, scratch / file.name)
            _check(key, file_hash(scratch / file.name), file.sha256)
        scratch.chmod(0o755)
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def put_subject(store: Store, subject: SubjectRef, folder: Path, *, repairs: bool = False) -> None:
    """Store the subject's files, unless they are there; `repairs` writes them even so."""
    marker = subject_file(subject, MARKER)
    if repairs or store.head(marker) is None:
        for file in subject.files:
            store.put_file(subject_file(subject, file.name), folder / file.name)
        store.put_if_absent(marker, to_json(subject))


def _markers(store: Store, prefix: str) -> list[str]:
    return [key for key in store.list_keys(prefix) if key.endswith(f"/{MARKER}")]


def _read_marker(store: Store, key: str) -> SubjectRef:
    data = store.get(key)
    if data is None:
        raise missing(key, store.url)
    subject = from_json(data, SubjectRef, what=key)
    is_plain = all(key_part(file.name) == file.name for file in subject.files)
    if not is_plain or subject_file(subject, MARKER) != key:
        raise IntegrityError(f"'{key}' is damaged: it is not of the subject it lies with")
    return subject


def _is_whole(subject: SubjectRef, folder: Path) -> bool:
    return all(
        (folder / file.name).is_file() and file_hash(folder / file.name) == file.sha256
        for file in subject.files
    )


def _check(key: str, got: str, wanted: str) -> None:
    if got != wanted:
        raise IntegrityError(
            f"'{key}' is damaged: SHA-256 {got[:12]}…, stored as {wanted[:12]}…; "
            "`bodyswap subject push` it again from a whole folder"
        )
