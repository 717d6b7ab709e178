"""Replacement against the stage's own truth: matte, clean plate, place, and what is untouched."""

import numpy as np
import pytest

from bodyswap.errors import IntegrityError, PlateError
from bodyswap.frames import RenderedFrame
from bodyswap.quality.replace_report import measure_replacement
from bodyswap.quality.stage_transfer import (
    StageTransfer,
    film_transfer,
    stage_motion,
    stage_performer,
)
from bodyswap.replacing.cleanplate import canvas_of, median_plate
from bodyswap.replacing.lay import lay
from bodyswap.replacing.make import Swap, make_recipe
from bodyswap.replacing.recipe import Recipe
from bodyswap.stage.render import Shot, empty_set

PX = 160


@pytest.fixture(scope="module")
def transfer() -> StageTransfer:
    """Rex, who is to be replaced by himself: the truth is the plate."""
    rex = stage_performer("rex")
    return film_transfer(
        rex, rex, stage_motion("cartwheel", 10), plate_px=PX, subject_size=(PX, PX)
    )


@pytest.fixture(scope="module")
def recipe(transfer: StageTransfer) -> Recipe:
    empty_HW3 = empty_set(Shot(width=PX, height=PX))
    swap = Swap(
        performer=transfer.driving_poses, subject=transfer.true_poses, background_HW3=empty_HW3
    )
    return make_recipe(
        [swap], None, lambda index: np.asarray(transfer.driver.rgb_NHW3[index], np.uint8)
    )


def test_the_same_person_laid_in_again_is_nearly_the_plate(transfer: StageTransfer) -> None:
    scores, _ = measure_replacement(transfer, driver="rex")
    assert scores.remains < 0.01
    assert scores.matte_sad < 0.6
    assert scores.clean_error < 4
    assert scores.composite_error < 8
    assert scores.differing_outside == 0


def test_the_subject_lies_where_the_performer_was(recipe: Recipe) -> None:
    assert np.abs(recipe.replaced[0].placed_N23 - np.eye(3)[:2]).max() < 0.05


def test_a_recipe_is_the_same_when_it_has_been_stored(
    transfer: StageTransfer, recipe: Recipe
) -> None:
    again = Recipe.from_bytes(recipe.to_bytes())
    picture = np.asarray(transfer.driver.rgb_NHW3[4], np.uint8)
    frame = RenderedFrame(
        rgb_HW3=picture, matte_HW=transfer.driver.matte_NHW[4].astype(np.float32), index=4
    )
    np.testing.assert_array_equal(
        lay(frame, picture, recipe).rgb_HW3, lay(frame, picture, again).rgb_HW3
    )
    with pytest.raises(IntegrityError, match="damaged"):
        Recipe.from_bytes(b"PK no recipe")


def test_where_nobody_is_seen_the_plate_stays_as_it_is(
    transfer: StageTransfer, recipe: Recipe
) -> None:
    picture = np.asarray(transfer.driver.rgb_NHW3[2], np.uint8)
    confidence_NK = recipe.replaced[0].performer.confidence_NK
    confidence_NK[2], kept = 0, confidence_NK[2].copy()
    nobody = RenderedFrame(rgb_HW3=picture, matte_HW=np.zeros((PX, PX), np.float32), index=2)
    laid = lay(nobody, picture, recipe)
    confidence_NK[2] = kept
    assert not laid.touched_HW.any()
    np.testing.assert_array_equal(laid.rgb_HW3, picture)


def test_a_panning_camera_gives_one_wide_clean_plate() -> None:
    random = np.random.default_rng(5)
    wide = np.kron(random.integers(0, 255, (8, 16, 3), np.uint8), np.ones((10, 10, 1), np.uint8))
    maps = np.tile(np.eye(3), (9, 1, 1))
    maps[:, 0, 2] = np.arange(9) * 5
    pictures = [wide[:, 5 * i : 5 * i + 100] for i in range(9)]
    hidden = [np.zeros((80, 100), np.bool_) for _ in range(9)]
    for mask in hidden:
        mask[30:50, 40:60] = True
    canvas = canvas_of(maps, 80, 100)
    clean = median_plate(pictures, hidden, canvas.to_canvas_N33, canvas)
    assert clean.rgb_HW3.shape == (80, 140, 3)
    assert clean.seen_HW[30:50, 70:110].mean() > 0.3
    seen = clean.seen_HW
    assert np.abs(clean.rgb_HW3.astype(int) - wide[:, :140])[seen].max() <= 1
    view = clean.as_seen(canvas.to_canvas_N33[4], 80, 100)
    apart = np.abs(view.rgb_HW3.astype(int) - pictures[4])[view.seen_HW]
    assert apart.max() <= 1


def test_a_camera_that_moves_too_far_is_refused_with_a_way_out() -> None:
    maps = np.tile(np.eye(3), (2, 1, 1))
    maps[1, 0, 2] = 5000
    with pytest.raises(PlateError, match="cut the shot"):
        canvas_of(maps, 100, 100)
