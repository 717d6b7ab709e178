"""A store in a folder, safe for many processes and for power cuts.

It does not know what is stored. An object is a file, written under a temporary name, synced, and
then moved (put) or linked (put_if_absent: link refuses a name that is taken) to its own.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bodyswap.errors import StoreError
from cluster.stores.compose import Content
from cluster.stores.store import ObjectFacts, check_key, check_prefix, check_whole, missing

INCOMING = ".incoming"
"""The folder of what is being written; no key can begin so."""

_BLOCK_BYTES = 8 << 20


class LocalStore:
    """The objects under `root`, which is made when first written to."""

    def __init__(self, root: Path) -> None:
        self._root = root.expanduser().resolve()

    @property
    def url(self) -> str:
        return str(self._root)

    def get(self, key: str) -> bytes | None:
        with _mapped_errors("read", key):
            try:
                return self._path(key).read_bytes()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                return None

    def read_range(self, key: str, start: int, stop: int) -> bytes:
        if self.head(key) is None:
            raise missing(key, self.url)
        with _mapped_errors("read", key), self._path(key).open("rb") as file:
            size_bytes = os.fstat(file.fileno()).st_size
            file.seek(start)
            # Memory is taken for as much as is asked for, whatever there is.
            return file.read(max(0, min(stop, size_bytes) - start))

    def compose(self, key: str, contents: Sequence[Content]) -> int:
        self._write(key, lambda temporary: self._join(contents, temporary), _replace)
        return sum(map(len, contents))

    def put(self, key: str, data: bytes) -> None:
        self._write(key, lambda temporary: _write_bytes(temporary, data), _replace)

    def put_if_absent(self, key: str, data: bytes) -> bool:
        if self.head(key) is not None:
            return False
        return self._write(key, lambda temporary: _write_bytes(temporary, data), _link)

    def list_keys(self, prefix: str) -> list[str]:
        check_prefix(prefix)
        folder = self._root / prefix.rpartition("/")[0]
        keys = []
        with _mapped_errors("list", prefix or "/"):
            for parent, folders, files in os.walk(folder, onerror=_raise_unless_gone):
                folders[:] = [name for name in folders if name != INCOMING]
                relative = Path(parent).relative_to(self._root)
                keys += [(relative / name).as_posix() for name in files]
        return sorted(key for key in keys if key.startswith(prefix))

    def head(self, key: str) -> ObjectFacts | None:
        path = self._path(key)
        with _mapped_errors("look at", key):
            try:
                size_bytes = path.stat().st_size
            except (FileNotFoundError, NotADirectoryError):
                return None
        return ObjectFacts(key=key, size_bytes=size_bytes) if path.is_file() else None

    def delete(self, key: str) -> None:
        with _mapped_errors("delete", key), suppress(NotADirectoryError):
            self._path(key).unlink(missing_ok=True)

    def copy(self, key: str, to: str) -> None:
        if self.head(key) is None:
            raise missing(key, self.url)
        # Objects are replaced, never changed in place, so two names may share one file's bytes.
        self._write(to, lambda temporary: _link_over(self._path(key), temporary), _replace)

    def put_file(self, key: str, path: Path) -> None:
        self._write(key, lambda temporary: _copy_synced(path, temporary), _replace)

    def fetch_file(self, key: str, path: Path) -> None:
        if self.head(key) is None:
            raise missing(key, self.url)
        with _mapped_errors("fetch", key):
            path.parent.mkdir(parents=True, exist_ok=True)
            with _temporary_file(path.parent) as temporary:
                # A copy, not a link: whoever writes into it must not write into the store.
                shutil.copyfile(self._path(key), temporary)
                temporary.replace(path)

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _join(self, contents: Sequence[Content], path: Path) -> None:
        with path.open("wb") as file:
            for content in contents:
                if isinstance(content, bytes):
                    file.write(content)
                    continue
                for start in range(content.start, content.stop, _BLOCK_BYTES):
                    stop = min(start + _BLOCK_BYTES, content.stop)
                    block = self.read_range(content.key, start, stop)
                    check_whole(content.key, block, stop - start)
                    file.write(block)
            file.flush()
            os.fsync(file.fileno())

    def _write(
        self, key: str, fill: Callable[[Path], None], place: Callable[[Path, Path], bool]
    ) -> bool:
        path = self._path(key)
        with _mapped_errors("write", key):
            incoming = self._root / INCOMING
            incoming.mkdir(parents=True, exist_ok=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            with _temporary_file(incoming) as temporary:
                fill(temporary)
                is_placed = place(temporary, path)
            _sync_folder(path.parent)
        return is_placed


@contextmanager
def _mapped_errors(verb: str, key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot {verb} '{key}': {error}; check the store's folder") from error


@contextmanager
def _temporary_file(folder: Path) -> Iterator[Path]:
    handle, name = tempfile.mkstemp(dir=folder, prefix=".")
    os.close(handle)
    temporary = Path(name)
    temporary.chmod(0o644)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _raise_unless_gone(error: OSError) -> None:
    """A folder that may not be read is not an empty one; one that went meanwhile is."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


def _write_bytes(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _copy_synced(source: Path, path: Path) -> None:
    shutil.copyfile(source, path)
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _link_over(source: Path, path: Path) -> None:
    path.unlink()
    path.hardlink_to(source)


def _replace(temporary: Path, path: Path) -> bool:
    temporary.replace(path)
    return True


def _link(temporary: Path, path: Path) -> bool:
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return False
    return True


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
