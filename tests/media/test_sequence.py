from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import OpenImageIO
import pytest
from PIL import Image

from bodyswap.decode import decode
from bodyswap.errors import PlateError
from bodyswap.frames import RGB
from bodyswap.media.colour import display_values, linear_light
from bodyswap.media.exr import Compression, FrameLabel, Part, write_exr
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.timecode import Timecode
from bodyswap.timing import FrameRange
from tests.media.clips import pictures

COUNT, FILM = 6, Fraction(24000, 1001)


def write_sequence(folder: Path, suffix: str, first: int = 1001) -> list[RGB]:
    """COUNT frames of a plate called shot.1001 and so on."""
    made = pictures(COUNT)
    for number, picture in enumerate(made, start=first):
        path = folder / f"shot.{number:04d}{suffix}"
        if suffix == ".exr":
            _write_exr(path, picture, number)
        elif suffix == ".png":
            Image.fromarray(picture).save(path)
        else:
            _write_with_oiio(path, picture)
    return made


def _write_exr(path: Path, picture: RGB, number: int) -> None:
    light = linear_light(picture)
    channels = {name: light[:, :, place].astype(np.float16) for place, name in enumerate("RGB")}
    label = FrameLabel(
        number=number,
        rate=FILM,
        timecode=Timecode.parse("01:00:00:00", FILM) + (number - 1001),
        reel="B002C007",
    )
    write_exr(path, [Part(name="", channels=channels)], label, Compression.ZIP)


def _write_with_oiio(path: Path, picture: RGB) -> None:
    height, width = picture.shape[:2]
    spec = OpenImageIO.ImageSpec(width, height, 3, OpenImageIO.UINT8)
    out = OpenImageIO.ImageOutput.create(str(path))
    assert out.open(str(path), spec)
    assert out.write_image(picture)
    out.close()


def _shown(clip: ClipIndex, frames: FrameRange | None = None) -> RGB:
    return np.concatenate([batch.rgb_NHW3 for batch in decode(clip, frames or clip.frames)])


@pytest.mark.parametrize("suffix", [".exr", ".png", ".dpx", ".tif"])
def test_every_frame_is_there_to_the_level(tmp_path: Path, suffix: str) -> None:
    made = write_sequence(tmp_path, suffix)
    clip = index_clip(tmp_path / f"shot.#{suffix}")
    assert (len(clip), clip.width, clip.height, clip.first_number) == (COUNT, 64, 48, 1001)
    np.testing.assert_array_equal(_shown(clip), np.stack(made))
    np.testing.assert_array_equal(_shown(clip, FrameRange(start=2, stop=4)), np.stack(made[2:4]))


@pytest.mark.parametrize("pattern", ["shot.#.png", "shot.@@@@.png", "shot.%04d.png"])
def test_a_pattern_is_written_as_each_tool_writes_it(tmp_path: Path, pattern: str) -> None:
    write_sequence(tmp_path, ".png", first=998)
    clip = index_clip(tmp_path / pattern)
    assert (len(clip), clip.first_number) == (COUNT, 998)


def test_a_range_in_the_name_means_those_frames(tmp_path: Path) -> None:
    made = write_sequence(tmp_path, ".png")
    clip = index_clip(tmp_path / "shot.1003-1005#.png")
    assert clip.first_number == 1003
    np.testing.assert_array_equal(_shown(clip), np.stack(made[2:5]))


def test_an_exr_sequence_says_its_rate_timecode_and_reel(tmp_path: Path) -> None:
    write_sequence(tmp_path, ".exr")
    clip = index_clip(tmp_path / "shot.1003-1006#.exr")
    assert clip.timeline.rate == FILM
    assert clip.timeline.times_s[1] == pytest.approx(1001 / 24000)
    assert str(clip.custody.timecode) == "01:00:00:02"
    assert clip.custody.reel == "B002C007"


def test_a_missing_frame_is_named(tmp_path: Path) -> None:
    write_sequence(tmp_path, ".png")
    (tmp_path / "shot.1003.png").unlink()
    for pattern in ("shot.#.png", "shot.1001-1006#.png"):
        with pytest.raises(PlateError, match=r"lacks 1003"):
            index_clip(tmp_path / pattern)


def test_no_frames_at_all_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PlateError, match="no frames are called"):
        index_clip(tmp_path / "shot.#.exr")


@pytest.mark.parametrize("lost", [30, 1000])
@pytest.mark.parametrize("suffix", [".exr", ".png", ".dpx"])
def test_a_frame_cut_short_is_refused(tmp_path: Path, suffix: str, lost: int) -> None:
    write_sequence(tmp_path, suffix)
    last = tmp_path / f"shot.1006{suffix}"
    last.write_bytes(last.read_bytes()[: max(100, last.stat().st_size - lost)])
    with pytest.raises(PlateError, match=r"shot\.1006"):
        index_clip(tmp_path / f"shot.#{suffix}")


def test_ten_bit_dpx_keeps_its_colour(tmp_path: Path) -> None:
    made = pictures(2)
    for number, picture in enumerate(made, start=1):
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="gbrp10le")
        with av.open(str(tmp_path / f"p.{number:04d}.dpx"), "w", format="image2") as container:
            stream = container.add_stream("dpx", rate=24)
            stream.height, stream.width = picture.shape[:2]
            stream.pix_fmt = "gbrp10le"
            container.mux(stream.encode(frame))
            container.mux(stream.encode())
    clip = index_clip(tmp_path / "p.#.dpx")
    assert np.abs(_shown(clip).astype(int) - np.stack(made)).max() <= 1


def test_display_values_and_light_are_each_others_inverse() -> None:
    codes = np.arange(256, dtype=np.uint8).reshape(1, -1, 1).repeat(3, axis=2)
    np.testing.assert_array_equal(display_values(linear_light(codes)), codes)
    half = linear_light(codes).astype(np.float16)
    np.testing.assert_array_equal(display_values(half), codes)
    assert linear_light(np.full((1, 1, 3), 188, np.uint8))[0, 0, 0] == pytest.approx(
        0.5029, abs=1e-4
    )
