"""A clean plate that somebody gives wins over the measured one, or is refused with a reason."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from bodyswap.config import RenderSettings
from bodyswap.encode import CODECS, encode
from bodyswap.errors import IntegrityError, UsageError
from bodyswap.frames import RGB, RenderedFrame
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.passes.clean_plate import fit_clean_plate
from bodyswap.passes.open_shot import OpenShot
from bodyswap.passes.plate_recipe import pieces_for
from bodyswap.passes.traces import Traces
from bodyswap.quality.stage_transfer import (
    StageTransfer,
    film_transfer,
    stage_motion,
    stage_performer,
)
from bodyswap.replacing.lay import lay
from bodyswap.replacing.make import Swap, make_recipe
from bodyswap.replacing.recipe import Recipe
from bodyswap.replacing.supplied import SuppliedPlate
from bodyswap.stage.render import Shot, empty_set
from bodyswap.timing import FrameRange, Timeline

PX, COUNT = 128, 4
SET_HW3 = empty_set(Shot(width=PX, height=PX))


@pytest.fixture(scope="module")
def transfer() -> StageTransfer:
    rex = stage_performer("rex")
    return film_transfer(rex, rex, stage_motion("walk", COUNT), plate_px=PX, subject_size=(PX, PX))


def _plate(transfer: StageTransfer, index: int) -> RGB:
    return np.asarray(transfer.driver.rgb_NHW3[index], np.uint8)


def _recipe(
    transfer: StageTransfer, supplied: SuppliedPlate, camera_N33: np.ndarray | None = None
) -> Recipe:
    swap = Swap(
        performer=transfer.driving_poses, subject=transfer.true_poses, background_HW3=SET_HW3
    )
    return make_recipe([swap], camera_N33, lambda index: _plate(transfer, index), supplied)


def _nobody(index: int) -> RenderedFrame:
    return RenderedFrame(rgb_HW3=SET_HW3, matte_HW=np.zeros((PX, PX), np.float32), index=index)


def _still(picture_HW3: RGB) -> SuppliedPlate:
    return SuppliedPlate(picture=lambda _: picture_HW3, is_still=True)


def _in_light(index: int) -> RGB:
    """The set as a light on it grows brighter."""
    return np.asarray(np.clip(SET_HW3.astype(np.int16) + 5 * index, 0, 255), np.uint8)


def test_a_still_stands_behind_every_frame(transfer: StageTransfer) -> None:
    recipe = _recipe(transfer, _still(SET_HW3))
    assert not recipe.set_moves
    again = Recipe.from_bytes(recipe.to_bytes())
    np.testing.assert_array_equal(again.scenes[0].clean.rgb_HW3, SET_HW3)
    laid = lay(_nobody(2), _plate(transfer, 2), again)
    fully = laid.removed_HW == 1
    assert fully.any() and laid.seen_HW.all()
    assert np.abs(laid.rgb_HW3.astype(int) - SET_HW3)[fully].max() <= 10


def test_a_set_that_moves_stands_behind_its_own_frame_with_its_own_grain(
    transfer: StageTransfer,
) -> None:
    recipe = _recipe(transfer, SuppliedPlate(picture=_in_light, is_still=False))
    again = Recipe.from_bytes(recipe.to_bytes())
    assert again.set_moves
    laid = lay(_nobody(3), _plate(transfer, 3), again, _in_light(3))
    fully = laid.removed_HW == 1
    np.testing.assert_array_equal(laid.rgb_HW3[fully], _in_light(3)[fully])


def test_a_still_is_refused_where_one_picture_cannot_be_the_set(transfer: StageTransfer) -> None:
    with pytest.raises(UsageError, match=r"64x64.*128x128"):
        _recipe(transfer, _still(SET_HW3[:64, :64]))
    moving = np.tile(np.eye(3), (COUNT, 1, 1))
    moving[1, 0, 2] = 3
    with pytest.raises(UsageError, match="camera moves"):
        _recipe(transfer, _still(SET_HW3), moving)
    frame_by_frame = SuppliedPlate(picture=lambda _: SET_HW3, is_still=False)
    assert (_recipe(transfer, frame_by_frame, moving).to_canvas_N33 == np.eye(3)).all()


def _clip(folder: Path, count: int) -> ClipIndex:
    path = folder / f"{count}.mp4"
    timeline = Timeline(pts=tuple(range(count)), time_base=Fraction(1, 24), rate=Fraction(24))
    frames, codec = FrameRange(start=0, stop=count), CODECS["ffv1"]
    encode(map(_in_light, frames), path, timeline=timeline, frames=frames, codec=codec)
    return index_clip(path)


def test_files_go_with_the_plate_by_their_count_or_their_numbers(tmp_path: Path) -> None:
    plate, part = _clip(tmp_path, 6), FrameRange(start=2, stop=4)
    np.testing.assert_array_equal(
        fit_clean_plate(_clip(tmp_path, 6), plate, part).picture(4), _in_light(4)
    )
    for number in (1003, 1004):
        cv2.imwrite(str(tmp_path / f"set.{number}.png"), _in_light(number - 1001)[:, :, ::-1])
    numbered = fit_clean_plate(index_clip(tmp_path / "set.#.png"), plate, part)
    assert not numbered.is_still
    np.testing.assert_array_equal(list(numbered.pictures(part)), [_in_light(2), _in_light(3)])
    still = fit_clean_plate(index_clip(tmp_path / "set.1003.png"), plate, plate.frames)
    assert still.is_still
    np.testing.assert_array_equal(still.picture(5), _in_light(2))
    with pytest.raises(UsageError, match="2 frames from 1003 on, and the plate 6"):
        fit_clean_plate(index_clip(tmp_path / "set.#.png"), plate, plate.frames)
    with pytest.raises(UsageError, match="has 4 frames, and the plate 6"):
        fit_clean_plate(_clip(tmp_path, 4), plate, part)


def test_nothing_is_delivered_without_the_set_that_the_recipe_was_made_with(
    transfer: StageTransfer, tmp_path: Path
) -> None:
    recipe = _recipe(transfer, SuppliedPlate(picture=_in_light, is_still=False))
    plate, poses = _clip(tmp_path, COUNT), transfer.driving_poses
    settings = RenderSettings(codec="ffv1", over="plate")
    shot = OpenShot(plate=plate, background_HW3=SET_HW3, settings=settings)
    with pytest.raises(IntegrityError, match="clean plate frame by frame"):
        pieces_for(shot, poses, recipe, Traces())
    over_own = replace(shot, settings=RenderSettings(), clean_plate=plate)
    with pytest.raises(UsageError, match="--over plate"):
        pieces_for(over_own, poses, recipe, Traces())
