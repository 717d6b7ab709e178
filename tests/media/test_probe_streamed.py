"""A clip that is read where it lies is looked at by a process that can reach nothing else."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from bodyswap.config import RenderSettings
from bodyswap.errors import IntegrityError, PlateError
from bodyswap.media.index import index_clip, index_to_bytes
from bodyswap.media.probe import MediaLimits, probe
from bodyswap.media.probe_streamed import probe_streamed
from bodyswap.media.streamed import StreamedFile, StreamedPath
from bodyswap.pipeline import Pipeline
from bodyswap.timing import FrameRange
from tests.media.clips import pictures, write_clip

LIMITS = MediaLimits()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("streamed") / "clip.mp4", pictures(12))


def _streamed(data: bytes, index: bytes, hashes: tuple[str, ...] = ()) -> StreamedPath:
    def fetch(start: int, stop: int) -> bytes:
        return data[start:stop]

    file = StreamedFile("clip.mp4", len(data), fetch, block_hashes=hashes)
    return StreamedPath.of("plates/clip.mp4", file, index=index)


def _index(clip: Path, **changes: object) -> bytes:
    return index_to_bytes(replace(index_clip(clip), **changes))


def test_it_answers_what_a_look_at_the_fetched_file_does(clip: Path) -> None:
    told = probe_streamed(_streamed(clip.read_bytes(), _index(clip)), LIMITS)
    assert told == probe(clip, LIMITS)


def test_what_an_index_claims_is_held_to_the_operators_limits_and_to_the_clip(clip: Path) -> None:
    data = clip.read_bytes()
    few = msgspec.structs.replace(LIMITS, most_frames=11)
    with pytest.raises(PlateError, match="12 frames, and 11 are the most"):
        probe_streamed(_streamed(data, _index(clip)), few)
    with pytest.raises(PlateError, match="and its record says 8x"):
        probe_streamed(_streamed(data, _index(clip, width=8)), LIMITS)
    later = index_clip(clip).timeline.starting_at(500_000)
    with pytest.raises(PlateError, match="the last of its 12 frames does not decode"):
        probe_streamed(_streamed(data, _index(clip, timeline=later)), LIMITS)


@pytest.mark.parametrize("text", [b"#EXTM3U\nfile:///etc/passwd\n", b"x" * 100])
def test_rubbish_under_a_good_index_is_refused(clip: Path, text: bytes) -> None:
    with pytest.raises(PlateError, match=r"clip\.mp4 .*(no video|cannot be read)"):
        probe_streamed(_streamed(text, _index(clip)), LIMITS)


def test_bytes_that_are_not_what_their_hash_says_are_told_of_as_such(clip: Path) -> None:
    with pytest.raises(IntegrityError, match=r"of clip\.mp4 are damaged"):
        probe_streamed(_streamed(clip.read_bytes(), _index(clip), ("0" * 64,)), LIMITS)


def test_a_worker_looks_before_it_opens_the_clip_itself(clip: Path) -> None:
    plate = _streamed(b"x" * 100, _index(clip))
    with pytest.raises(PlateError, match=r"no video|cannot be read"):
        Pipeline().pose_range(
            plate, FrameRange(start=0, stop=2), settings=RenderSettings(), on_frame=lambda _: None
        )
