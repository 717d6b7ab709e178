"""A file that lies elsewhere, read by blocks: 100 frames of a huge plate cost 100 frames.

It does not know where: `fetch` answers the bytes of a range. Blocks are kept, so that opening a
clip again, or stepping back in it, asks for nothing twice; while reading goes forward, the next
block is on its way. Memory is the kept blocks, however large the file.
"""

import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path, PosixPath
from typing import Self

from bodyswap.errors import IntegrityError

BLOCK_BYTES = 4 << 20
KEPT_BLOCKS = 8
_FETCHERS = 2

Fetch = Callable[[int, int], bytes]
"""The bytes from `start` up to `stop`, half-open."""


class StreamedFile:
    """A file of `size_bytes`, fetched block by block; with `block_hashes`, each block is proven.

    A hash is the SHA-256, in hex, of one block of `block_bytes`; the last may be shorter.
    """

    def __init__(
        self,
        name: str,
        size_bytes: int,
        fetch: Fetch,
        *,
        block_hashes: tuple[str, ...] = (),
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self.name, self.size_bytes = name, size_bytes
        self._fetch, self._hashes, self._block_bytes = fetch, block_hashes, block_bytes
        self._blocks: OrderedDict[int, Future[bytes]] = OrderedDict()
        self._lock = threading.Lock()
        self._ahead = ThreadPoolExecutor(_FETCHERS, thread_name_prefix="readahead")
        self._last = -1

    def open(self) -> "StreamedReader":
        """A reader of its own place in the file."""
        return StreamedReader(self)

    def read(self, start: int, most: int) -> bytes:
        """Some of the bytes from `start` on, at most `most`; none at the end.

        Raises:
            StoreError: they could not be fetched.
            IntegrityError: they are not what their hash says.
        """
        if start >= self.size_bytes or most <= 0:
            return b""
        number, skipped = divmod(start, self._block_bytes)
        return self._block(number)[skipped : skipped + most]

    def _block(self, number: int) -> bytes:
        goes_on, self._last = number == self._last + 1, number
        block = self._asked(number)
        if goes_on and (number + 1) * self._block_bytes < self.size_bytes:
            self._asked(number + 1)
        return block.result()

    def _asked(self, number: int) -> "Future[bytes]":
        with self._lock:
            block = self._blocks.get(number)
            if block is None or _has_failed(block):
                block = self._blocks[number] = self._ahead.submit(self._fetched, number)
            self._blocks.move_to_end(number)
            while len(self._blocks) > KEPT_BLOCKS:
                self._blocks.popitem(last=False)
            return block

    def _fetched(self, number: int) -> bytes:
        start = number * self._block_bytes
        stop = min(start + self._block_bytes, self.size_bytes)
        data = self._fetch(start, stop)
        if len(data) != stop - start:
            raise IntegrityError(
                f"{self.name} gave {len(data)} of the {stop - start} bytes at {start}; it is"
                " shorter than it was"
            )
        if self._hashes and hashlib.sha256(data).hexdigest() != self._hashes[number]:
            raise IntegrityError(f"bytes {start} to {stop} of {self.name} are damaged")
        return data


class StreamedReader(io.RawIOBase):
    """A place in a streamed file, moved as in any file. `name` tells readers its kind."""

    def __init__(self, file: StreamedFile) -> None:
        self.name = file.name
        self._file, self._place = file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begins = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._file.size_bytes}
        self._place = max(0, begins[whence] + offset)
        return self._place

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, perhaps fewer; all that are left where it is negative."""
        if size < 0:
            return self.readall()
        data = self._file.read(self._place, size)
        self._place += len(data)
        return data

    def readall(self) -> bytes:
        return b"".join(iter(lambda: self.read(BLOCK_BYTES), b""))


class StreamedPath(PosixPath):
    """The name of a clip that is read from `file`; nothing lies under it on this machine.

    `index` is what `index_to_bytes` told of it when all of it was read, empty where nobody has.
    """

    file: StreamedFile
    index: bytes

    @classmethod
    def of(cls, name: str, file: StreamedFile, *, index: bytes = b"") -> Self:
        path = cls(name)
        path.file, path.index = file, index
        return path

    def is_file(self) -> bool:
        return True


def read_blocks(path: Path) -> Iterator[bytes]:
    """A file's bytes, local or streamed, in order, each block but the last of BLOCK_BYTES."""
    if isinstance(path, StreamedPath):
        file = path.file
        for start in range(0, file.size_bytes, BLOCK_BYTES):
            yield b"".join(read_exactly(file, start, min(start + BLOCK_BYTES, file.size_bytes)))
        return
    with path.open("rb") as local:
        while block := local.read(BLOCK_BYTES):
            yield block


def read_exactly(file: StreamedFile, start: int, stop: int) -> Iterator[bytes]:
    """The bytes from `start` up to `stop`, in pieces. Raises as the file's `read` does."""
    while start < stop:
        data = file.read(start, stop - start)
        start += len(data)
        yield data


def _has_failed(block: "Future[bytes]") -> bool:
    return block.done() and block.exception() is not None
