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
from tests.media.clips import pictures, pictures_for, round_matte, steady
from tests.media.ffmpeg import picture_by_ffmpeg, seen_by_ffmpeg

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
    made = pictures_for(codec, len(frames), first=frames.start)
    if width != 64:
        made = list(pictures(len(frames), first=frames.start, width=width))
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
        made = pictures_for(codec, 2)
        for picture in made:
            picture[:, :, :3] = colour
        path, frames = tmp_path / f"{name}{codec.suffix}", FrameRange(start=0, stop=2)
        encode(made, path, timeline=steady(2), frames=frames, codec=codec)
        (batch,) = decode(index_clip(path), frames)
        assert np.abs(batch.rgb_NHW3.astype(int) - colour).max() <= 2


@every_codec
def test_the_file_says_what_its_numbers_mean(tmp_path: Path, codec: Codec) -> None:
    path = tmp_path / f"a{codec.suffix}"
    segment = _encode(path, FrameRange(start=0, stop=2), codec, steady(2))
    with av.open(str(segment.path)) as container:
        context = container.streams.video[0].codec_context
        told = (context.color_primaries, context.color_trc, context.colorspace)
        assert told == ((1, 13, 0) if codec.is_lossless else (1, 1, 1))
        # DNxHR in QuickTime has no place for it; limited is what is meant there.
        unsaid = codec.encoder == "dnxhd"
        assert context.color_range == (2 if codec.is_lossless else 0 if unsaid else 1)


PROFILES = {
    "h264": ("avc1", "High", 8), "h264-10": ("avc1", "High 10", 10), "hevc": ("hvc1", "Main", 8),
    "hevc-10": ("hvc1", "Main 10", 10), "prores-hq": ("apch", "HQ", 10),
    "prores-4444": ("ap4h", "4444", 12), "dnxhr-hq": ("AVdh", "DNXHR HQ", 8),
    "dnxhr-hqx": ("AVdh", "DNXHR HQX", 10), "ffv1": ("FFV1", None, 8),
    "ffv1-alpha": ("FFV1", None, 8),
}  # fmt: skip


@every_codec
def test_the_file_is_of_the_kind_that_was_asked_for(tmp_path: Path, codec: Codec) -> None:
    path = tmp_path / f"a{codec.suffix}"
    segment = _encode(path, FrameRange(start=0, stop=2), codec, steady(2))
    with av.open(str(segment.path)) as container:
        context = container.streams.video[0].codec_context
        depth = context.format.components[0].bits
        assert (context.codec_tag, context.profile, depth) == PROFILES[codec.name]


@every_codec
def test_another_build_of_ffmpeg_reads_it_with_its_colours(tmp_path: Path, codec: Codec) -> None:
    made = pictures_for(codec, 3)
    for picture in made:
        picture[:, :, :3] = (230, 20, 30)
    path, timeline = tmp_path / f"a{codec.suffix}", steady(3, Fraction(24000, 1001))
    frames = FrameRange(start=0, stop=3)
    encode(made, path, timeline=timeline, frames=frames, codec=codec)
    times = [time for time, _ in seen_by_ffmpeg(path)]
    assert times == [pts * timeline.time_base for pts in timeline.pts]
    height, width = made[0].shape[:2]
    seen = picture_by_ffmpeg(path, width, height).astype(int)
    assert np.abs(seen - (230, 20, 30)).max() <= 2


@pytest.mark.parametrize("name", ["prores-4444", "ffv1-alpha"])
def test_alpha_survives(tmp_path: Path, name: str) -> None:
    codec, frames = CODECS[name], FrameRange(start=0, stop=3)
    segment = _encode(tmp_path / f"a{codec.suffix}", frames, codec, steady(3))
    matte = round_matte(64, 48).astype(int) * 257
    with av.open(str(segment.path)) as container:
        for frame in container.decode(video=0):
            alpha = frame.to_ndarray(format="rgba64le")[:, :, 3].astype(int)
            assert np.abs(alpha - matte).max() <= 0.003 * 65535


@every_codec
def test_headers_are_equal_whatever_the_length(tmp_path: Path, codec: Codec) -> None:
    timeline, lengths = steady(60), {(0, 1), (1, 2), (2, 9), (9, 60)}
    made = [
        _encode(
            tmp_path / f"{start}{codec.suffix}", FrameRange(start=start, stop=stop), codec, timeline
        )
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
    one, two = (
        _encode(tmp_path / f"{name}{codec.suffix}", frames, codec, steady(9)) for name in "12"
    )
    assert one.sha256 == two.sha256 == sha256(one.path.read_bytes()).hexdigest()
    assert one.size_bytes == one.path.stat().st_size


@pytest.mark.parametrize("name", ["hevc", "hevc-10"])
def test_no_note_of_the_encoders_version_is_in_the_file(tmp_path: Path, name: str) -> None:
    frames = FrameRange(start=0, stop=2)
    segment = _encode(tmp_path / "a.mp4", frames, CODECS[name], steady(2))
    assert b"x265" not in segment.path.read_bytes()


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


def test_a_picture_too_small_for_dnxhr_is_refused(tmp_path: Path) -> None:
    small = pictures(1)
    frames, codec = FrameRange(start=0, stop=1), CODECS["dnxhr-hq"]
    with pytest.raises(UsageError, match=r"64x48.*begins at 256x120; choose prores-hq"):
        encode(small, tmp_path / "a.mov", timeline=steady(1), frames=frames, codec=codec)


def test_a_size_that_h264_cannot_code_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"63x48.*choose ffv1"):
        _encode(tmp_path / "a.mp4", FrameRange(start=0, stop=2), CODECS["h264"], steady(2), 63)
    assert list(tmp_path.iterdir()) == []
