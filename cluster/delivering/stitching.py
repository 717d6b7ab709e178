"""A shot put together inside the store: the segments are copied there, only its head is sent.

It does not know video: the pipeline makes the head, and decodes the shot from where it lies. While
it does, every byte is hashed as it comes, so that proving the shot reads it once.
"""

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path

from bodyswap.errors import IntegrityError
from cluster.jobs.commit import Commit, StoredFile, store_file
from cluster.jobs.keys import JobKeys
from cluster.jobs.lease import Lease
from cluster.stores.compose import Piece
from cluster.stores.store import Store, check_whole, missing

MAP = "map.json"
"""The file in which a render shard says where each picture lies in its segment."""

_BLOCK_BYTES = 4 << 20
_MOST_WAITING = 4
"""Blocks come a little out of order, because readers look ahead."""


@dataclass(frozen=True, kw_only=True)
class PlacedSegment:
    """A segment in the store, and the map of its pictures as the pipeline wrote it."""

    file: StoredFile
    map: bytes


def is_mapped(rendered: Commit) -> bool:
    """Whether a render shard left a map of its segment, so that it can be joined in the store."""
    return any(file.name == MAP for file in rendered.files)


def open_segment(store: Store, rendered: Commit, path: Path) -> Path:
    """The shard's segment, read where it lies, under the name of `path`."""
    from bodyswap.media.streamed import StreamedFile, StreamedPath

    file = rendered.file("segment")
    fetch = partial(store.read_range, file.key)
    return StreamedPath.of(str(path), StreamedFile(file.name, file.size_bytes, fetch))


def place_segment(store: Store, lease: Lease, path: Path, rendered: Commit | None) -> PlacedSegment:
    """The segment at `path`: of the render shard whose it is, or new, and then put under `lease`.

    Raises:
        IntegrityError: the shard's map is not the one that was committed.
    """
    if rendered is None:
        from bodyswap.media.segment_map import map_segment

        # Segments of several mended parts have the same name.
        named = path.with_name(f"{path.parent.name}-{path.name}")
        path.rename(named)
        return PlacedSegment(
            file=store_file(store, lease, named), map=map_segment(named).to_bytes()
        )
    file = rendered.file(MAP)
    data = store.get(file.key)
    if data is None:
        raise missing(file.key, store.url)
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise IntegrityError(f"'{file.key}' is damaged in the store")
    return PlacedSegment(file=rendered.file("segment"), map=data)


def read_opening(store: Store, segment: PlacedSegment, size_bytes: int) -> bytes:
    """The first bytes of a segment."""
    data = store.read_range(segment.file.key, 0, size_bytes)
    check_whole(segment.file.key, data, size_bytes)
    return data


class StitchedShot:
    """A shot that lies in the store, under the attempt, not proven yet."""

    def __init__(self, store: Store, lease: Lease, name: str) -> None:
        self._store, self._name = store, name
        self._key = JobKeys(job=lease.job).attempt(lease) + name
        self._hashed: _HashedReading | None = None
        self.sent_bytes = 0

    def compose(self, head: bytes, segments: Sequence[PlacedSegment]) -> Path:
        """Join head and segments, whole, in this order; the shot as readers of video open it."""
        from bodyswap.media.streamed import StreamedFile, StreamedPath

        files = [segment.file for segment in segments]
        pieces = [Piece(key=file.key, start=0, stop=file.size_bytes) for file in files]
        self.sent_bytes = self._store.compose(self._key, [head, *pieces])
        starts = list(accumulate((file.size_bytes for file in files), initial=len(head)))
        self._hashed = _HashedReading(self._store, self._key, starts, files)
        streamed = StreamedFile(self._name, starts[-1], self._hashed.fetch)
        return StreamedPath.of(self._name, streamed)

    def proven(self) -> StoredFile:
        """The shot, once every byte of it was read; those that the check left are read now.

        Raises:
            IntegrityError: a segment in it is not the one that was committed.
        """
        assert self._hashed is not None, "a shot is composed before it is proven"
        sha256, size_bytes = self._hashed.finish()
        return StoredFile(name=self._name, key=self._key, sha256=sha256, size_bytes=size_bytes)

    def known_as(self, index: bytes) -> Path:
        """The shot again, with the index by which it need not be read through to be looked at."""
        from bodyswap.media.streamed import StreamedFile, StreamedPath

        assert self._hashed is not None, "a shot is composed before it is looked at"
        fetch = partial(self._store.read_range, self._key)
        file = StreamedFile(self._name, self._hashed.size_bytes, fetch)
        return StreamedPath.of(self._name, file, index=index)

    def sentence(self) -> str:
        """How many bytes went through this machine, for people."""
        assert self._hashed is not None, "a shot is composed before it is told of"
        size = self._hashed.size_bytes
        return f"{self.sent_bytes} bytes sent, {self._hashed.read_bytes} read to check, of {size}"


class _HashedReading:
    """Fetches ranges, and hashes the whole object and each segment in it in one pass.

    `starts` are where the segments begin, and the end.
    """

    def __init__(
        self, store: Store, key: str, starts: Sequence[int], files: Sequence[StoredFile]
    ) -> None:
        self._store, self._key, self._starts, self._files = store, key, starts, files
        self._whole, self._part = hashlib.sha256(), hashlib.sha256()
        self._place, self._segment = 0, -1
        self._waiting: dict[int, bytes] = {}
        self._lock = threading.Lock()
        self.read_bytes = 0

    def fetch(self, start: int, stop: int) -> bytes:
        data = self._read(start, stop)
        with self._lock:
            if start >= self._place:
                self._waiting[start] = data
            self._drain()
            while len(self._waiting) > _MOST_WAITING:
                self._fill_to(min(self._waiting))
        return data

    def finish(self) -> tuple[str, int]:
        """The object's SHA-256, in hex, and its size."""
        with self._lock:
            for start in sorted(self._waiting):
                self._fill_to(start)
            self._fill_to(self.size_bytes)
        self._end_segment()
        return self._whole.hexdigest(), self._place

    @property
    def size_bytes(self) -> int:
        return self._starts[-1]

    def _read(self, start: int, stop: int) -> bytes:
        data = self._store.read_range(self._key, start, stop)
        check_whole(self._key, data, stop - start)
        self.read_bytes += len(data)
        return data

    def _fill_to(self, stop: int) -> None:
        while self._place < stop:
            self._take(self._read(self._place, min(self._place + _BLOCK_BYTES, stop)))
        self._drain()

    def _drain(self) -> None:
        while self._place in self._waiting:
            self._take(self._waiting.pop(self._place))
        self._waiting = {at: data for at, data in self._waiting.items() if at > self._place}

    def _take(self, data: bytes) -> None:
        """Hash what comes next, and part it where a segment begins."""
        self._whole.update(data)
        rest = memoryview(data)
        while rest:
            following = self._starts[self._segment + 1]
            taken = rest[: following - self._place]
            self._part.update(taken)
            self._place += len(taken)
            rest = rest[len(taken) :]
            if self._place == following and rest:
                self._end_segment()
                self._segment += 1
                self._part = hashlib.sha256()

    def _end_segment(self) -> None:
        if self._segment < 0:
            return
        file = self._files[self._segment]
        if self._part.hexdigest() != file.sha256:
            raise IntegrityError(
                f"'{file.key}' has the hash {self._part.hexdigest()[:12]}…, not"
                f" {file.sha256[:12]}…: damaged in the store"
            )
