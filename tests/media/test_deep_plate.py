"""A deep plate with something laid into it: looks as it was painted there, is itself elsewhere."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from bodyswap.config import ColourSettings
from bodyswap.media.colour import BT709
from bodyswap.media.deep_plate import deep_plate
from bodyswap.media.exr import Compression, FrameLabel, Part, write_exr
from bodyswap.media.index import ClipIndex, in_colour, index_clip, seen_as
from bodyswap.media.sequence import read_picture
from bodyswap.media.shown import codes_16
from bodyswap.media.working import PRIMARIES, Working
from bodyswap.timing import FrameRange
from tests.media.clips import pictures, write_clip

COUNT, WIDTH, HEIGHT = 4, 64, 48
RANDOM = np.random.default_rng(6)
TOUCHED = np.zeros((HEIGHT, WIDTH), np.bool_)
TOUCHED[10:30, 20:50] = True


def _light(folder: Path) -> ClipIndex:
    for index in range(COUNT):
        light = RANDOM.uniform(0, 3, (HEIGHT, WIDTH, 3)).astype(np.float16)
        channels = {name: light[:, :, place] for place, name in enumerate("RGB")}
        label = FrameLabel(number=1001 + index, rate=Fraction(24))
        path = folder / f"plate.{1001 + index}.exr"
        part = Part(name="", channels=channels)
        write_exr(path, [part], label, Compression.ZIP, PRIMARIES["ACEScg"])
    return index_clip(folder / "plate.#.exr")


def _codes(folder: Path) -> ClipIndex:
    for index in range(COUNT):
        codes = RANDOM.integers(0, 65536, (HEIGHT, WIDTH, 3)).astype(np.uint16)
        cv2.imwrite(str(folder / f"plate.{1001 + index}.png"), codes)
    return index_clip(folder / "plate.#.png")


def _film(folder: Path) -> ClipIndex:
    path = folder / "plate.mov"
    shown = pictures(COUNT, width=WIDTH, height=HEIGHT)
    return index_clip(
        write_clip(path, shown, encoder="prores_ks", pixel_format="yuv422p10le", colour=BT709)
    )


PLATES = {"exr": _light, "png": _codes, "prores": _film}


@pytest.mark.parametrize("kind", PLATES)
@pytest.mark.parametrize(
    "settings",
    [
        ColourSettings(),
        ColourSettings(output="ACEScg"),
        ColourSettings(input="ACEScct", output="lin_rec2020"),
        ColourSettings(input="ACEScct", output="lin_rec709", view="aces"),
    ],
)
def test_a_picture_laid_in_looks_as_it_was_painted(
    tmp_path: Path, kind: str, settings: ColourSettings
) -> None:
    clip = in_colour(PLATES[kind](tmp_path), settings)
    working = clip.working
    delivered = Working(
        config=working.config, plate=working.output, is_rendered=working.is_rendered
    )
    part = FrameRange(start=1, stop=3)
    with deep_plate(clip, part) as deep:
        for index in part:
            painted = RANDOM.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
            whole = deep.with_laid(index, painted, TOUCHED)
            seen = delivered.seen(whole.light_HW3).astype(int)
            assert np.abs(seen - painted)[TOUCHED].max() <= 1
            if kind != "exr":
                back = working.seen(whole.codes_HW3 / np.float32(65535)).astype(int)
                assert np.abs(back - painted)[TOUCHED].max() <= 1


@pytest.mark.parametrize("view", ["plain", "aces"])
def test_a_delivery_is_looked_at_as_its_plate_is(tmp_path: Path, view: str) -> None:
    """Plate and render side by side differ where something was laid in, and nowhere else."""
    settings = ColourSettings(input="ACEScct", view=view)
    clip = in_colour(_codes(tmp_path), settings)
    (own,) = (path for path in clip.files if path.name.endswith("1002.png"))
    with deep_plate(clip, FrameRange(start=1, stop=2)) as deep:
        whole = deep.with_laid(1, np.zeros((HEIGHT, WIDTH, 3), np.uint8), TOUCHED)
    light = {name: whole.light_HW3[:, :, place] for place, name in enumerate("RGB")}
    label = FrameLabel(number=1002, rate=Fraction(24))
    part, path = Part(name="", channels=light), tmp_path / "shot.1002.exr"
    write_exr(path, [part], label, Compression.ZIP, clip.working.primaries)
    shot = seen_as(index_clip(tmp_path / "shot.1002-1002#.exr"), clip)
    seen = read_picture(path, shot.working).astype(int)
    plate = read_picture(own, clip.working).astype(int)
    assert np.abs(seen - plate)[~TOUCHED].max() <= 1
    assert not seen[TOUCHED].any()


def test_a_10_bit_film_keeps_10_bits_where_nothing_is_laid(tmp_path: Path) -> None:
    clip = _film(tmp_path)
    assert clip.bits == 10
    part = FrameRange(start=1, stop=4)
    with deep_plate(clip, part) as deep:
        assert deep.precision == "10-bit display values"
        for index, own in zip(part, codes_16(clip, part), strict=True):
            whole = deep.with_laid(index, np.zeros((HEIGHT, WIDTH, 3), np.uint8), TOUCHED)
            np.testing.assert_array_equal(whole.codes_HW3[~TOUCHED], own[~TOUCHED])
            assert not whole.codes_HW3[TOUCHED].any()
            assert (own % 257 > 0).any()


def test_a_film_is_closed_wherever_laying_ends(tmp_path: Path) -> None:
    clip = _film(tmp_path)
    with deep_plate(clip, clip.frames) as deep:
        deep.with_laid(0, np.zeros((HEIGHT, WIDTH, 3), np.uint8), TOUCHED)
    with pytest.raises(StopIteration):
        deep.with_laid(1, np.zeros((HEIGHT, WIDTH, 3), np.uint8), TOUCHED)
