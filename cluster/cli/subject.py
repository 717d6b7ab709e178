"""The verbs about subjects: `bodyswap subject show | list | push | pull`.

It does not know what is in a card; torch is imported inside each verb, so that `--help` is quick.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodyswap.cli import JsonOption
from bodyswap.environment import default_store_url
from bodyswap.errors import SubjectError
from bodyswap.subjects import CARD, find_local_subject, no_subject, packaged_subjects
from bodyswap.terminal import say
from cluster.cli.options import StoreOption
from cluster.jobs.inspection import FileInspector
from cluster.jobs.refs import SubjectRef
from cluster.jobs.subjects import (
    describe_subject,
    find_stored_subject,
    known_subjects,
    pull_subject,
    put_subject,
    read_subject_file,
    stored_subject,
    stored_subjects,
)
from cluster.stores.opening import open_store
from cluster.stores.store import Store

if TYPE_CHECKING:
    from cluster.telling.subject_words import SubjectShown

app = typer.Typer(no_args_is_help=True)

NameArgument = Annotated[
    str, typer.Argument(help="A name, name@version, or a subject's folder.", metavar="NAME")
]


@dataclass(frozen=True, kw_only=True)
class _Found:
    """Where a subject is, and how their files are read."""

    place: str
    read: Callable[[str], bytes | None]


@app.command()
def show(name: NameArgument, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Tell what a subject's card says: consent, warm-up, held-out figures, and the rest."""
    shown = _shown(_find(name, _open(store)))
    say(json.dumps(shown.to_dict()) if as_json else "\n".join(shown.lines()))


@app.command(name="list")
def list_subjects(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List the subjects that ship with the project and those in the store."""
    stored = stored_subjects(_open(store))
    if as_json:
        rows = [{"name": name, "version": None} for name in packaged_subjects()]
        rows += [{"name": one.name, "version": one.version} for one in stored]
        say(json.dumps(rows))
        return
    for name in packaged_subjects():
        say(f"{name}  packaged")
    for one in stored:
        say(_named(one))


@app.command()
def push(
    folder: Annotated[str, typer.Argument(help="A subject's folder, or a packaged name.")],
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a subject into the store, proven file by file; again, to mend one damaged there."""
    from bodyswap.nets.checkpoint import load_card, read_beside

    local = find_local_subject(folder)
    for name in load_card(local).files:
        read_beside(local, name)
    subject = describe_subject(local, FileInspector())
    opened = _open(store)
    put_subject(opened, subject, local, repairs=True)
    _tell(subject, opened.url, as_json)


@app.command()
def pull(
    name: Annotated[str, typer.Argument(help="A name, or name@version.")],
    out: Annotated[
        Path | None, typer.Option(help="The folder to make.  [default: out/subjects/NAME]")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch a subject from the store: a whole, proven folder, or none."""
    opened = _open(store)
    subject = stored_subject(opened, name)
    folder = out or Path("out/subjects") / subject.name
    pull_subject(opened, subject, folder)
    _tell(subject, str(folder), as_json)


def _find(name: str, store: Store) -> _Found:
    """A packaged subject, a folder, or one in the store, in this order."""
    from bodyswap.nets.checkpoint import read_beside

    try:
        folder = find_local_subject(name)
    except SubjectError:
        subject = find_stored_subject(store, name)
        if subject is None:
            raise no_subject(name, known_subjects(store)) from None
        place = f"{_named(subject)} in {store.url}"
        return _Found(place=place, read=lambda file: read_subject_file(store, subject, file))

    def read(file: str) -> bytes | None:
        return (folder / CARD).read_bytes() if file == CARD else read_beside(folder, file)

    return _Found(place=str(folder), read=read)


def _shown(found: _Found) -> "SubjectShown":
    from bodyswap.nets.card import read_card
    from bodyswap.quality.coverage import INDEX_FILE, CoverageIndex
    from cluster.telling.subject_words import SubjectShown

    text, index = found.read(CARD), found.read(INDEX_FILE)
    return SubjectShown(
        card=read_card((text or b"").decode(errors="replace"), f"{CARD} of {found.place}"),
        place=found.place,
        index=None if index is None else CoverageIndex.from_bytes(index),
    )


def _open(url: str | None) -> Store:
    return open_store(url or default_store_url())


def _named(subject: SubjectRef) -> str:
    return f"{subject.name}@{subject.version}"


def _tell(subject: SubjectRef, place: str, as_json: bool) -> None:
    told = {"subject": _named(subject), "name": subject.name, "version": subject.version}
    say(json.dumps({**told, "place": place}) if as_json else f"{_named(subject)}  {place}")
