from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bodyswap.decode import decode
from bodyswap.encode import CODECS, Codec, encode
from bodyswap.errors import IntegrityError, PlateError
from bodyswap.media.check import check_delivery
from bodyswap.media.concat import concat
from bodyswap.media.index import index_clip
from bodyswap.timing import FrameRange, Timeline
from tests.media.clips import cut_in, packets_beside, pictures, pictures_for, steady, write_clip

COUNT = 26
GAPS = np.random.default_rng(3).integers(10, 90, COUNT)
CLOCKS = {
    "24": steady(COUNT, 24),
    "16": steady(COUNT, 16),
    "29.97": steady(COUNT, Fraction(30000, 1001)),
    "late": steady(COUNT, 25, first_pts=5 * 25 * 512 + 7),
    "uneven": Timeline(
        pts=tuple(np.cumsum(GAPS).tolist()), time_base=Fraction(1, 1000), rate=Fraction(20)
    ),
}
every_codec = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)


def _segments(
    folder: Path, timeline: Timeline, codec: Codec, ranges: list[FrameRange]
) -> list[Path]:
    folder.mkdir(exist_ok=True)
    return [
        encode(
            pictures_for(codec, len(part), first=part.start),
            folder / f"{part.start}{codec.suffix}",
            timeline=timeline,
            frames=part,
            codec=codec,
        ).path
        for part in ranges
    ]


def _decoded(path: Path) -> list[bytes]:
    clip = index_clip(path)
    return [rgb.tobytes() for batch in decode(clip, clip.frames) for rgb in batch.rgb_NHW3]


@every_codec
@pytest.mark.parametrize("clock", CLOCKS)
def test_a_joined_shot_has_the_timelines_times_and_the_segments_pixels(
    tmp_path: Path, codec: Codec, clock: str
) -> None:
    timeline = CLOCKS[clock]
    parts = _segments(tmp_path, timeline, codec, cut_in(COUNT, 4))
    out = tmp_path / f"shot{codec.suffix}"
    concat(parts, timeline, out)
    found = index_clip(out).timeline
    assert [pts * found.time_base for pts in found.pts] == [
        pts * timeline.time_base for pts in timeline.pts
    ]
    assert _decoded(out) == [picture for part in parts for picture in _decoded(part)]
    assert check_delivery(out, timeline).frame_count == COUNT


@every_codec
def test_segments_of_one_frame_join(tmp_path: Path, codec: Codec) -> None:
    timeline = steady(5)
    parts = _segments(tmp_path, timeline, codec, cut_in(5, 5))
    out = tmp_path / f"shot{codec.suffix}"
    concat(parts, timeline, out)
    assert check_delivery(out, timeline).frame_count == 5


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_segments_with_reordered_frames_join(tmp_path: Path, suffix: str) -> None:
    """Matroska gives the first packets of such segments no decoding time."""
    timeline = Timeline(
        pts=tuple(range(0, 40 * 24, 40)), time_base=Fraction(1, 1000), rate=Fraction(25)
    )
    options = {"bf": "3", "x264-params": "stitchable=1:open-gop=0:b-pyramid=normal"}
    parts = [
        write_clip(
            tmp_path / f"{part.start}{suffix}",
            pictures(len(part), first=part.start),
            timeline=timeline.cut(part),
            options=options,
        )
        for part in cut_in(24, 3)
    ]
    alone = [picture for part in parts for picture in _decoded(part)]
    out = tmp_path / "shot.mp4"
    concat(parts, timeline, out)
    assert _decoded(out) == alone
    assert check_delivery(out, timeline).frame_count == 24


def test_a_part_of_a_shot_can_be_moved_to_its_beginning(tmp_path: Path) -> None:
    timeline = steady(20).cut(FrameRange(start=8, stop=20))
    whole = steady(20)
    ranges = [FrameRange(start=8, stop=13), FrameRange(start=13, stop=20)]
    parts = _segments(tmp_path, whole, CODECS["h264"], ranges)
    concat(parts, timeline, tmp_path / "shot.mp4", first_pts=0)
    assert check_delivery(tmp_path / "shot.mp4", timeline.starting_at(0)).frame_count == 12


def test_sound_is_copied_byte_for_byte(tmp_path: Path) -> None:
    plate = write_clip(tmp_path / "plate.mp4", pictures(COUNT), sound="aac")
    clip = index_clip(plate)
    timeline = clip.timeline
    parts = _segments(tmp_path / "parts", timeline, CODECS["h264"], cut_in(COUNT, 3))
    out = tmp_path / "shot.mp4"
    concat(parts, timeline, out, plate=clip)
    assert packets_beside(out) == packets_beside(plate)
    assert check_delivery(out, timeline).frame_count == COUNT


def test_sound_that_mp4_cannot_hold_is_refused_by_name(tmp_path: Path) -> None:
    plate = write_clip(tmp_path / "plate.mkv", pictures(6), sound="pcm_u8")
    clip = index_clip(plate)
    parts = _segments(tmp_path / "parts", clip.timeline, CODECS["h264"], cut_in(6, 2))
    with pytest.raises(PlateError, match="pcm_u8"):
        concat(parts, clip.timeline, tmp_path / "shot.mp4", plate=clip)
    assert not (tmp_path / "shot.mp4").exists()


def test_the_index_stands_first_so_that_playing_starts_at_once(tmp_path: Path) -> None:
    timeline = steady(6)
    parts = _segments(tmp_path, timeline, CODECS["h264"], cut_in(6, 2))
    concat(parts, timeline, tmp_path / "shot.mp4")
    data = (tmp_path / "shot.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_segments_of_other_settings_are_refused(tmp_path: Path) -> None:
    timeline, h264 = steady(8), CODECS["h264"]
    other = replace(h264, options=(*h264.options, ("profile", "main")))
    first, second = cut_in(8, 2)
    parts = [
        *_segments(tmp_path, timeline, h264, [first]),
        *_segments(tmp_path, timeline, other, [second]),
    ]
    with pytest.raises(IntegrityError, match="other settings"):
        concat(parts, timeline, tmp_path / "shot.mp4")
    assert not (tmp_path / "shot.mp4").exists()


@pytest.mark.parametrize("chosen", [[0, 2], [0, 1, 1, 2], [0, 1], [1, 2]])
def test_missing_and_repeated_segments_are_refused(tmp_path: Path, chosen: list[int]) -> None:
    timeline = steady(9)
    parts = _segments(tmp_path, timeline, CODECS["h264"], cut_in(9, 3))
    with pytest.raises(IntegrityError, match="render them again"):
        concat([parts[index] for index in chosen], timeline, tmp_path / "shot.mp4")
    assert not (tmp_path / "shot.mp4").exists()


@pytest.mark.parametrize("kept", [0.0, 0.4])
def test_a_segment_cut_short_is_refused(tmp_path: Path, kept: float) -> None:
    timeline = steady(9)
    parts = _segments(tmp_path, timeline, CODECS["h264"], cut_in(9, 3))
    parts[1].write_bytes(parts[1].read_bytes()[: int(parts[1].stat().st_size * kept)])
    with pytest.raises(IntegrityError):
        concat(parts, timeline, tmp_path / "shot.mp4")
    assert not (tmp_path / "shot.mp4").exists()
