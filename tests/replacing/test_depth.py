"""Float and 16-bit plates keep every bit outside the matte."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from bodyswap.config import ColourSettings, RenderSettings
from bodyswap.decode import decode
from bodyswap.frames import RenderedFrame
from bodyswap.media.exr import (
    Compression,
    FrameLabel,
    Part,
    read_exr,
    read_primaries,
    write_exr,
)
from bodyswap.media.index import in_colour, index_clip
from bodyswap.media.sequence import read_codes_16
from bodyswap.media.working import LINEAR, PRIMARIES, Working
from bodyswap.plate_facts import PLATE_FACTS, facts_from
from bodyswap.plate_recipe import pieces_for
from bodyswap.quality.stage_transfer import (
    StageTransfer,
    film_transfer,
    stage_motion,
    stage_performer,
)
from bodyswap.replacing.make import Swap, make_recipe
from bodyswap.traces import Traces

PX, COUNT = 96, 4


def _filmed() -> StageTransfer:
    rex, size = stage_performer("rex"), (PX, PX)
    return film_transfer(rex, rex, stage_motion("walk", COUNT), plate_px=PX, subject_size=size)


def _deliver(
    pattern: Path, folder: Path, codec: str, outside: str, colour: ColourSettings | None = None
) -> Path:
    """Rex replaced by himself in the frames at `pattern`: what was written."""
    clip = in_colour(index_clip(pattern), colour or ColourSettings())
    plate = np.concatenate([batch.rgb_NHW3 for batch in decode(clip, clip.frames)])
    rex = stage_performer("rex")
    filmed = film_transfer(
        rex, rex, stage_motion("walk", COUNT), plate_px=PX, subject_size=(PX, PX)
    )
    poses = filmed.driving_poses
    swap = Swap(performer=poses, subject=filmed.true_poses, background_HW3=plate[0])
    recipe = make_recipe([swap], None, lambda index: plate[index])
    rendered = [
        RenderedFrame(
            rgb_HW3=np.asarray(filmed.truth.rgb_NHW3[i], np.uint8),
            matte_HW=filmed.truth.matte_NHW[i].astype(np.float32), index=i,
        )
        for i in range(COUNT)
    ]  # fmt: skip
    settings = RenderSettings(codec=codec, over="plate")
    pieces = pieces_for(settings, clip, plate[0], poses, recipe, Traces())
    out = folder / "out"
    out.mkdir()
    pieces.write(iter(rendered), clip.frames, out / "segment.json")
    facts = facts_from((out / PLATE_FACTS).read_bytes())
    assert [fact.differing_outside for fact in facts] == [0] * COUNT
    assert {(fact.outside, fact.inside) for fact in facts} == {(outside, "8-bit display values")}
    assert all(0.02 < fact.touched_share < 0.6 for fact in facts)
    return out


def _codes() -> npt.NDArray[np.uint16]:
    """The stage's film with 16 bits that 8 do not hold."""
    rex = stage_performer("rex")
    filmed = film_transfer(
        rex, rex, stage_motion("walk", COUNT), plate_px=PX, subject_size=(PX, PX)
    )
    low = np.random.default_rng(2).integers(-100, 100, filmed.driver.rgb_NHW3.shape)
    return (filmed.driver.rgb_NHW3.astype(int) * 257 + low).clip(0, 65535).astype(np.uint16)


@pytest.mark.parametrize("output", ["auto", "lin_rec709"])
def test_an_aces_plate_stays_aces_light_or_becomes_the_light_asked_for(
    tmp_path: Path, output: str
) -> None:
    """In its own space not a bit changes outside the matte; in another, half floats round."""
    light = ((_codes() / 65535.0) ** 2.2 * 1.7).astype(np.float16)
    for index, picture in enumerate(light):
        channels = {name: picture[:, :, place] for place, name in enumerate("RGB")}
        label = FrameLabel(number=1001 + index, rate=Fraction(24))
        part = Part(name="", channels=channels)
        path = tmp_path / f"plate.{1001 + index}.exr"
        write_exr(path, [part], label, Compression.ZIP, PRIMARIES["ACEScg"])
    out = _deliver(
        tmp_path / "plate.#.exr", tmp_path, "exr", "the file's own floats",
        ColourSettings(output=output),
    )  # fmt: skip
    delivered = "ACEScg" if output == "auto" else LINEAR
    due = Working(plate="ACEScg", output=delivered).light(light.reshape(-1, PX, 3))
    due = due.astype(np.float16).reshape(light.shape)
    for path, own in zip(sorted(out.glob("*.exr")), due, strict=True):
        assert Working.of_light(read_primaries(path)).plate == delivered
        parts = {part.name: part.channels for part in read_exr(path)}
        comp = np.dstack([parts["comp"][name] for name in "RGB"])
        same = (comp == own).all(axis=2)
        away = (parts["performer"]["A"] == 0) & (parts["matte"]["A"] == 0)
        grown = cv2.erode(away.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
        assert grown.mean() > 0.3
        assert same[grown].all()


def test_a_log_plate_is_looked_at_as_light_and_comes_back_as_log(tmp_path: Path) -> None:
    working = Working().chosen(ColourSettings(input="ACEScct"))
    shown = (_codes() // 257).astype(np.uint8)
    log = working.put_back(shown.reshape(-1, PX, 3)).reshape(shown.shape)
    codes = np.rint(log.clip(0, 1) * 65535).astype(np.uint16)
    for index, picture in enumerate(codes):
        cv2.imwrite(str(tmp_path / f"plate.{1001 + index}.png"), picture[:, :, ::-1])
    pattern, colour = tmp_path / "plate.#.png", ColourSettings(input="ACEScct")
    clip = in_colour(index_clip(pattern), colour)
    seen = np.concatenate([batch.rgb_NHW3 for batch in decode(clip, clip.frames)])
    assert np.abs(seen.astype(int) - shown).max() <= 1
    out = _deliver(pattern, tmp_path, "png", "16-bit display values", colour)
    for path, own in zip(sorted(out.glob("*.png")), codes, strict=True):
        found = read_codes_16(path)
        same = (found == own).all(axis=2)
        assert 0.4 < same.mean() < 0.98


def test_a_half_float_plate_keeps_its_floats_outside_the_matte(tmp_path: Path) -> None:
    light = ((_codes() / 65535.0) ** 2.2 * 1.7).astype(np.float16)
    for index, picture in enumerate(light):
        channels = {name: picture[:, :, place] for place, name in enumerate("RGB")}
        label = FrameLabel(number=1001 + index, rate=Fraction(24))
        path = tmp_path / f"plate.{1001 + index}.exr"
        write_exr(path, [Part(name="", channels=channels)], label, Compression.ZIP)
    out = _deliver(tmp_path / "plate.#.exr", tmp_path, "exr", "the file's own floats")
    for index, path in enumerate(sorted(out.glob("*.exr"))):
        parts = {part.name: part.channels for part in read_exr(path)}
        assert list(parts) == ["comp", "rgba", "matte", "cleanplate", "performer", "qc"]
        comp = np.dstack([parts["comp"][name] for name in "RGB"])
        assert comp.dtype == np.float16
        same = (comp == light[index]).all(axis=2)
        assert same.mean() > 0.4
        # No pixel that neither was the performer nor is the subject has changed.
        away = (parts["performer"]["A"] == 0) & (parts["matte"]["A"] == 0)
        grown = cv2.erode(away.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
        assert same[grown].all()


def test_a_16_bit_plate_keeps_16_bits_outside_the_matte(tmp_path: Path) -> None:
    codes = _codes()
    for index, picture in enumerate(codes):
        cv2.imwrite(str(tmp_path / f"plate.{1001 + index}.png"), picture[:, :, ::-1])
    out = _deliver(tmp_path / "plate.#.png", tmp_path, "png", "16-bit display values")
    written = sorted(out.glob("*.png"))
    assert len(written) == COUNT
    for picture, path in zip(codes, written, strict=True):
        same = (read_codes_16(path) == picture).all(axis=2)
        assert 0.4 < same.mean() < 0.98
