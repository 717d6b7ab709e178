from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import av
import numpy as np
import pytest

from bodyswap.decode import decode
from bodyswap.encode import CODECS, Codec, Segment, encode
from bodyswap.errors import UsageError
from bodyswap.frames import RGB
from bodyswap.media.index import index_clip
from bodyswap.timing import FrameRange, Timeline
from tests.media.clips import pictures, steady

UNEVEN = Timeline(
    pts=(900, 940, 980, 1100, 1140, 1150, 1300), time_base=Fraction(1, 1000), rate=Fraction(25)
)
CLOCKS = {
    "24": steady(7, 24),
    "16": steady(7, 16),
    "29.97": steady(7, Fraction(30000, 1001)),
    "one tick a frame": Timeline(
        pts=tuple(range(7)), time_base=Fraction(1001, 30000), rate=Fraction(30000, 1001)
    ),
    "late": steady(7, 24, first_pts=86400 * 12288),
    "uneven": UNEVEN,
}
every_codec = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)


def _encode(
    path: Path, frames: FrameRange, codec: Codec, timeline: Timeline, width: int = 64
) -> Segment:
    made = pictures(len(frames), first=frames.start, width=width)
    return encode(made, path, timeline=timeline, frames=frames, codec=codec)


@every_codec
@pytest.mark.parametrize("clock", CLOCKS)
def test_a_segment_keeps_the_shots_own_times(tmp_path: Path, codec: Codec, clock: str) -> None:
    timeline, frames = CLOCKS[clock], FrameRange(start=2, stop=6)
    segment = _encode(tmp_path / f"part{codec.suffix}", frames, codec, timeline)
    found = index_clip(segment.path).timeline
    assert [pts * found.time_base for pts in found.pts] == [
        pts * timeline.time_base for pts in timeline.pts[2:6]
    ]
    assert (segment.first_pts, segment.last_pts) == (timeline.pts[2], timeline.pts[5])
    assert segment.time_base == timeline.time_base


def test_ffv1_gives_back_every_bit(tmp_path: Path) -> None:
    frames = FrameRange(start=0, stop=5)
    noise = np.random.default_rng(0).integers(0, 256, (5, 47, 63, 3), np.uint8)
    path = tmp_path / "shot.mp4"
    encode(noise, path, timeline=steady(5), frames=frames, codec=CODECS["ffv1"])
    (batch,) = decode(index_clip(path), frames)
    np.testing.assert_array_equal(batch.rgb_NHW3, noise)


@every_codec
def test_colour_survives(tmp_path: Path, codec: Codec) -> None:
    for name, colour in {
        "red": (230, 20, 30),
        "green": (10, 200, 40),
        "grey": (90, 90, 90),
    }.items():
        flat = [np.full((48, 64, 3), colour, np.uint8)] * 2
        path, frames = tmp_path / f"{name}.mp4", FrameRange(start=0, stop=2)
        encode(flat, path, timeline=steady(2), frames=frames, codec=codec)
        (batch,) = decode(index_clip(path), frames)
        assert np.abs(batch.rgb_NHW3.astype(int) - colour).max() <= 2


def test_h264_is_tagged_bt709_limited(tmp_path: Path) -> None:
    segment = _encode(tmp_path / "a.mp4", FrameRange(start=0, stop=2), CODECS["h264"], steady(2))
    with av.open(str(segment.path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.color_primaries, context.color_trc, context.colorspace) == (1, 1, 1)
        assert context.color_range == 1


@every_codec
def test_headers_are_equal_whatever_the_length(tmp_path: Path, codec: Codec) -> None:
    timeline, lengths = steady(60), {(0, 1), (1, 2), (2, 9), (9, 60)}
    made = [
        _encode(tmp_path / f"{start}.mp4", FrameRange(start=start, stop=stop), codec, timeline)
        for start, stop in lengths
    ]
    assert len({segment.header_sha256 for segment in made}) == 1


def test_other_settings_give_another_header(tmp_path: Path) -> None:
    frames, h264 = FrameRange(start=0, stop=2), CODECS["h264"]
    slower = replace(h264, options=(*h264.options, ("profile", "main")))
    made = [
        _encode(tmp_path / f"{index}.mp4", frames, codec, steady(2), width)
        for index, (codec, width) in enumerate([(h264, 64), (slower, 64), (h264, 66)])
    ]
    assert len({segment.header_sha256 for segment in made}) == 3


@every_codec
def test_the_same_pictures_give_the_same_bytes(tmp_path: Path, codec: Codec) -> None:
    frames = FrameRange(start=0, stop=9)
    one, two = (_encode(tmp_path / name, frames, codec, steady(9)) for name in ("1.mp4", "2.mp4"))
    assert one.sha256 == two.sha256 == sha256(one.path.read_bytes()).hexdigest()
    assert one.size_bytes == one.path.stat().st_size


@pytest.mark.parametrize("came", [0, 2, 4])
def test_a_wrong_number_of_pictures_is_refused(tmp_path: Path, came: int) -> None:
    path = tmp_path / "shot.mp4"
    with pytest.raises(UsageError, match="3 frames"):
        encode(
            pictures(came),
            path,
            timeline=steady(9),
            frames=FrameRange(start=3, stop=6),
            codec=CODECS["h264"],
        )
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_where_pictures_end_in_an_error(tmp_path: Path) -> None:
    def breaking() -> Iterator[RGB]:
        yield from pictures(2)
        raise MemoryError

    (tmp_path / "shot.mp4").write_bytes(b"an earlier one")
    with pytest.raises(MemoryError):
        encode(
            breaking(),
            tmp_path / "shot.mp4",
            timeline=steady(9),
            frames=FrameRange(start=0, stop=9),
            codec=CODECS["h264"],
        )
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"an earlier one"]


def test_a_size_that_h264_cannot_code_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"63x48.*choose ffv1"):
        _encode(tmp_path / "a.mp4", FrameRange(start=0, stop=2), CODECS["h264"], steady(2), 63)
    assert list(tmp_path.iterdir()) == []
