"""Float and 16-bit plates keep every bit outside the matte."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from bodyswap.config import RenderSettings
from bodyswap.decode import decode
from bodyswap.frames import RenderedFrame
from bodyswap.media.exr import Compression, FrameLabel, Part, read_exr, write_exr
from bodyswap.media.index import index_clip
from bodyswap.media.sequence import read_codes_16
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


def _deliver(pattern: Path, folder: Path, codec: str, outside: str) -> Path:
    """Rex replaced by himself in the frames at `pattern`: what was written."""
    clip = index_clip(pattern)
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
