"""What a plate carries beside its pictures is known at ingest, and is in the delivery."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bodyswap.encode import CODECS, encode
from bodyswap.media.concat import concat
from bodyswap.media.custody import HdrMetadata
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.timing import FrameRange, Timeline
from tests.media.clips import heard_in, packets_beside, pictures, steady, write_clip
from tests.media.ffmpeg import Samples, heard_by_ffmpeg

FILM, NTSC, NTSC_60 = Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)
COUNT = 12
HDR10 = (
    "colorprim=9:transfer=16:colormatrix=9:range=limited:max-cll=1000,400:log-level=error:"
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
)


def _deliver(clip: ClipIndex, frames: FrameRange, out: Path) -> ClipIndex:
    middle = (frames.start + frames.stop) // 2
    parts = []
    for part in (
        FrameRange(start=frames.start, stop=middle), FrameRange(start=middle, stop=frames.stop)
    ):  # fmt: skip
        path = out.with_name(f"{part.start}{out.suffix}")
        made = pictures(len(part), first=part.start)
        encode(made, path, timeline=clip.timeline, frames=part, codec=CODECS["h264"])
        parts.append(path)
    first_pts = clip.timeline.pts[0]
    concat(parts, clip.timeline.cut(frames), out, first_pts=first_pts, plate=clip)
    return index_clip(out)


@pytest.mark.parametrize(
    ("suffix", "rate", "timecode", "encoder", "pixel_format"),
    [
        (".mp4", FILM, "01:00:00:00", "libx264", "yuv420p"),
        (".mov", FILM, "23:59:59:20", "libx264", "yuv420p"),
        (".mov", NTSC, "00:59:59;26", "prores_ks", "yuv422p10le"),
        (".mkv", NTSC, "00:00:59;28", "libx264", "yuv420p"),
        (".mp4", NTSC_60, "00:00:59;50", "libx264", "yuv420p"),
        (".mxf", Fraction(25), "10:00:00:00", "mpeg2video", "yuv422p"),
    ],
)
def test_timecode_is_read_and_delivered_whatever_holds_it(
    tmp_path: Path, suffix: str, rate: Fraction, timecode: str, encoder: str, pixel_format: str
) -> None:
    path = write_clip(
        tmp_path / f"plate{suffix}",
        pictures(COUNT),
        timeline=Timeline(pts=tuple(range(COUNT)), time_base=1 / rate, rate=rate),
        encoder=encoder,
        pixel_format=pixel_format,
        names={"timecode": timecode},
    )
    clip = index_clip(path)
    assert str(clip.custody.timecode) == timecode
    shot = _deliver(clip, clip.frames, tmp_path / "shot.mp4")
    assert shot.custody.timecode == clip.custody.timecode


def test_a_part_of_a_plate_begins_at_its_own_frames_timecode(tmp_path: Path) -> None:
    names = {"timecode": "00:00:59;28"}
    clip = index_clip(
        write_clip(
            tmp_path / "plate.mp4", pictures(COUNT), timeline=steady(COUNT, NTSC), names=names
        )
    )
    shot = _deliver(clip, FrameRange(start=3, stop=9), tmp_path / "shot.mp4")
    assert str(shot.custody.timecode) == "00:01:00;03"


@pytest.mark.parametrize("said", ["after lunch", "00:00:00;99"])
def test_nonsense_in_place_of_a_timecode_is_passed_over(tmp_path: Path, said: str) -> None:
    path = tmp_path / "plate.mkv"
    clip = index_clip(write_clip(path, pictures(COUNT), names={"timecode": said}))
    assert clip.custody.timecode is None


def test_a_drop_frame_mark_where_no_frame_is_dropped_means_nothing(tmp_path: Path) -> None:
    path, clock = tmp_path / "plate.mkv", steady(COUNT, FILM)
    clip = index_clip(
        write_clip(path, pictures(COUNT), timeline=clock, names={"timecode": "01:00:00;00"})
    )
    assert str(clip.custody.timecode) == "01:00:00:00"


@pytest.mark.parametrize("suffix", [".mov", ".mkv"])
@pytest.mark.parametrize("delivered", [".mp4", ".mov"])
def test_the_reels_name_is_kept(tmp_path: Path, suffix: str, delivered: str) -> None:
    names = {"timecode": "01:00:00:00", "reel_name": "A001C002_1103XY"}
    clip = index_clip(write_clip(tmp_path / f"plate{suffix}", pictures(COUNT), names=names))
    assert clip.custody.reel == "A001C002_1103XY"
    shot = _deliver(clip, clip.frames, tmp_path / f"shot{delivered}")
    assert shot.custody.reel == clip.custody.reel


def test_the_shape_of_pixels_is_known(tmp_path: Path) -> None:
    squeezed = write_clip(tmp_path / "plate.mov", pictures(4), sample_aspect=Fraction(64, 45))
    assert index_clip(squeezed).custody.sample_aspect == Fraction(64, 45)
    assert index_clip(write_clip(tmp_path / "b.mov", pictures(4))).custody.sample_aspect == 1


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_hdr_metadata_is_known(tmp_path: Path, suffix: str) -> None:
    path = write_clip(
        tmp_path / f"plate{suffix}", pictures(4), encoder="libx265", pixel_format="yuv420p10le",
        options={"x265-params": HDR10},
    )  # fmt: skip
    clip = index_clip(path)
    assert clip.custody.hdr == HdrMetadata(
        red=(Fraction(34000, 50000), Fraction(16000, 50000)),
        green=(Fraction(13250, 50000), Fraction(34500, 50000)),
        blue=(Fraction(7500, 50000), Fraction(3000, 50000)),
        white=(Fraction(15635, 50000), Fraction(16450, 50000)),
        least_luminance=Fraction(50, 10000),
        largest_luminance=Fraction(1000),
        most_light=1000,
        most_average_light=400,
    )
    colour = clip.colour
    assert (colour.primaries, colour.transfer, colour.matrix) == (9, 16, 9)
    plain = write_clip(tmp_path / "plain.mp4", pictures(4))
    assert index_clip(plain).custody.hdr is None


@pytest.mark.parametrize(
    ("sound", "layouts"),
    [
        ("aac", ["mono"]),
        ("aac", ["5.1"]),
        ("flac", ["stereo"]),
        ("aac", ["stereo", "5.1", "mono"]),
    ],
)
def test_every_stream_of_sound_is_copied_byte_for_byte(
    tmp_path: Path, sound: str, layouts: list[str]
) -> None:
    plate = write_clip(tmp_path / "plate.mp4", pictures(COUNT), sound=sound, layouts=layouts)
    clip = index_clip(plate)
    _deliver(clip, clip.frames, tmp_path / "shot.mp4")
    beside = packets_beside(tmp_path / "shot.mp4")
    assert beside == packets_beside(plate)
    assert len(beside) == len(layouts)
    assert all(beside.values())


@pytest.mark.parametrize(
    ("sound", "suffix", "heard"),
    [
        ("flac", ".mp4", heard_in),
        ("pcm_s16le", ".mov", heard_in),
        ("pcm_s16le", ".mov", heard_by_ffmpeg),
    ],
)
def test_a_part_of_a_plate_has_its_own_sound_in_step(
    tmp_path: Path, sound: str, suffix: str, heard: Callable[[Path], Samples]
) -> None:
    clock = steady(48, first_pts=512)
    plate = write_clip(tmp_path / f"plate{suffix}", pictures(48), timeline=clock, sound=sound)
    clip = index_clip(plate)
    _deliver(clip, FrameRange(start=21, stop=39), tmp_path / f"shot{suffix}")
    whole, part = heard(plate), heard(tmp_path / f"shot{suffix}")
    lead, start = 48000 // 24, 22 * 48000 // 24
    expected = whole[start : start + 18 * 2000]
    np.testing.assert_array_equal(part[lead : lead + len(expected)], expected)


def test_subtitles_and_data_are_copied_byte_for_byte(tmp_path: Path) -> None:
    plate = write_clip(tmp_path / "plate.mp4", pictures(COUNT), sound="aac", notes=True)
    clip = index_clip(plate)
    _deliver(clip, clip.frames, tmp_path / "shot.mp4")
    beside = packets_beside(tmp_path / "shot.mp4")
    assert beside == packets_beside(plate)
    assert set(beside) == {("audio", 0), ("subtitle", 0), ("data", 0)}
