"""A clip that lies elsewhere reads as a local one does, in few bytes and little memory."""

import hashlib
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bodyswap.decode import decode
from bodyswap.errors import IntegrityError, PlateError, StoreError
from bodyswap.media.companions import check_sound
from bodyswap.media.index import ClipIndex, index_clip, index_from_bytes, index_to_bytes
from bodyswap.media.streamed import Fetch, StreamedFile, StreamedPath
from bodyswap.timing import FrameRange
from tests.media.clips import pictures, write_clip

BLOCK = 1 << 12


class Elsewhere:
    """A local file's bytes, handed out by ranges and counted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.moved_bytes = 0

    def __call__(self, start: int, stop: int) -> bytes:
        with self._path.open("rb") as file:
            file.seek(start)
            data = file.read(stop - start)
        self.moved_bytes += len(data)
        return data


def _streamed(path: Path, fetch: Fetch, index: bytes = b"") -> StreamedPath:
    data = path.read_bytes()
    hashes = tuple(
        hashlib.sha256(data[start : start + BLOCK]).hexdigest()
        for start in range(0, len(data), BLOCK)
    )
    file = StreamedFile(path.name, len(data), fetch, block_hashes=hashes, block_bytes=BLOCK)
    return StreamedPath.of(f"/nowhere/{path.name}", file, index=index)


def _frames(clip: ClipIndex, frames: FrameRange) -> list[np.ndarray]:
    return [picture for batch in decode(clip, frames) for picture in batch.rgb_NHW3]


KINDS: dict[str, Callable[[Path], Path]] = {
    "mp4": lambda folder: write_clip(folder / "a.mp4", pictures(60), sound="aac"),
    "mov": lambda folder: write_clip(
        folder / "a.mov", pictures(60), encoder="prores_ks", pixel_format="yuv422p10le"
    ),
    "mkv": lambda folder: write_clip(folder / "a.mkv", pictures(60)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_streamed_clip_reads_as_the_local_one(tmp_path: Path, kind: str) -> None:
    path = KINDS[kind](tmp_path)
    local, streamed = index_clip(path), index_clip(_streamed(path, Elsewhere(path)))
    assert streamed.timeline == local.timeline and streamed.custody == local.custody
    some = FrameRange(start=37, stop=45)
    for ours, theirs in zip(_frames(streamed, some), _frames(local, some), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    check_sound(streamed.path, streamed.custody.companions, ".mp4")


def test_frames_in_the_middle_cost_what_they_are_and_not_the_clip(tmp_path: Path) -> None:
    path = write_clip(
        tmp_path / "a.mov", pictures(300, width=320, height=240),
        encoder="prores_ks", pixel_format="yuv422p10le",
    )  # fmt: skip
    fetch = Elsewhere(path)
    clip = index_clip(_streamed(path, fetch, index_to_bytes(index_clip(path))))
    assert fetch.moved_bytes == 0, "a kept index is not read anew"
    assert len(_frames(clip, FrameRange(start=100, stop=130))) == 30
    assert fetch.moved_bytes < 0.15 * path.stat().st_size


def test_a_kept_index_says_what_a_new_one_would(tmp_path: Path) -> None:
    path = write_clip(
        tmp_path / "a.mov", pictures(8), names={"timecode": "01:00:00:00"}, sound="aac"
    )
    clip = index_clip(path)
    assert index_from_bytes(index_to_bytes(clip)) == clip
    with pytest.raises(PlateError, match="kept index"):
        index_from_bytes(index_to_bytes(clip)[:-9])


def test_a_damaged_block_is_refused_and_not_decoded(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", pictures(60))
    honest = Elsewhere(path)

    def damaged(start: int, stop: int) -> bytes:
        data = honest(start, stop)
        return data if start else data[:-1] + bytes([data[-1] ^ 1])

    with pytest.raises(IntegrityError, match=r"bytes 0 to 4096 of a\.mp4 are damaged"):
        index_clip(_streamed(path, damaged))


def test_a_failing_store_is_no_damaged_plate_and_may_be_asked_again(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", pictures(200, width=128, height=96))
    honest, fails = Elsewhere(path), [True]

    def failing(start: int, stop: int) -> bytes:
        if start >= 4 * BLOCK and fails[0]:
            raise StoreError("the connection was cut")
        return honest(start, stop)

    streamed = _streamed(path, failing)
    with pytest.raises(StoreError, match="cut"):
        index_clip(streamed)
    fails[0] = False
    clip = index_clip(streamed)
    fails[0] = True
    fresh = _streamed(path, failing, index_to_bytes(clip))
    with pytest.raises(StoreError, match="cut"):
        _frames(index_clip(fresh), clip.frames)


def test_a_file_of_many_blocks_keeps_few_of_them_in_memory() -> None:
    size_bytes, block = 4 << 30, 1 << 20
    file = StreamedFile("sparse", size_bytes, lambda a, b: bytes(b - a), block_bytes=block)
    reader = file.open()
    tracemalloc.start()
    for place in range(0, size_bytes, size_bytes // 200):
        reader.seek(place)
        assert len(reader.read(1 << 30)) <= block
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * block
