"""Bring a published job's deliverables into a local folder, proven, and over nothing else.

It does not know what they show.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bodyswap.errors import IntegrityError, StoreError, UsageError
from cluster.delivering.publish import Deliverable, Manifest
from cluster.delivering.verdicts import fetch_verdicts
from cluster.stores.asker import Asker
from cluster.stores.record import file_hash, to_json
from cluster.stores.store import Store

MANIFEST = "manifest.json"
_FILES_AT_ONCE = 8


def fetch_delivery(
    store: Store, manifest: Manifest, out: Path, *, replace: bool
) -> tuple[Path, ...]:
    """Write the deliverables, the manifest, and the last signed verdicts into the folder `out`.

    Each file appears under its name only when all of them are here and whole. Those that are
    there already, and whole, are not fetched again.

    Raises:
        UsageError: `out` holds something else under one of the names, and not `replace`.
        IntegrityError: a deliverable is not what the manifest says.
    """
    missing = [file for file in manifest.deliverables if not _is_there(file, out, replace)]
    told = to_json(manifest)
    if (out / MANIFEST).exists() and (out / MANIFEST).read_bytes() != told and not replace:
        raise _in_the_way(out / MANIFEST)
    with _beside(out) as arriving, closing(Asker(_FILES_AT_ONCE)) as asker:
        for arrived in asker.all([partial(_fetch, store, file, arriving) for file in missing]):
            arrived()
        (arriving / MANIFEST).write_bytes(told)
        for name in (*(file.name for file in missing), MANIFEST):
            (arriving / name).replace(out / name)
    names = (*(file.name for file in manifest.deliverables), MANIFEST)
    return (*(out / name for name in names), *fetch_verdicts(store, manifest, out))


def _fetch(store: Store, file: Deliverable, folder: Path) -> None:
    store.fetch_file(file.key, folder / file.name)
    if file_hash(folder / file.name) != file.sha256:
        raise IntegrityError(f"'{file.key}' is not what the manifest says; not fetched")


def _is_there(file: Deliverable, out: Path, replace: bool) -> bool:
    path = out / file.name
    if not path.exists():
        return False
    if path.is_file() and file_hash(path) == file.sha256:
        return True
    if replace:
        return False
    raise _in_the_way(path)


def _in_the_way(path: Path) -> UsageError:
    return UsageError(
        f"'{path}' is there already and is something else; move it away, or fetch into another"
        " folder"
    )


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """A temporary folder on the file system of `out`, so that renaming into it is atomic."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=out, prefix=".fetching-") as folder:
            yield Path(folder)
    except OSError as error:
        raise StoreError(
            f"cannot write into '{out}': {error.strerror}; give another folder, or make room there"
        ) from error
