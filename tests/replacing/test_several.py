"""Several performers replaced in one plate: who is in front, who is gone, and what is untouched."""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest

from bodyswap.frames import RGB, RenderedFrame
from bodyswap.people import PoseSequence
from bodyswap.replacing.lay import Laid, lay
from bodyswap.replacing.make import Swap, make_recipe
from bodyswap.replacing.nearness import nearness
from bodyswap.replacing.recipe import Recipe
from bodyswap.skeleton import COCO_17
from bodyswap.stage.cast import REX, VEGA
from bodyswap.stage.ensemble import EnsembleFrame, Role, film_together
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Shot, empty_set
from bodyswap.timing import FrameRange

PX, COUNT = 160, 5
SET_HW3 = empty_set(Shot(width=PX, height=PX))
RED, BLUE = (230, 20, 20), (20, 20, 230)
MIDDLE = 2


@pytest.fixture(scope="module")
def filmed() -> list[EnsembleFrame]:
    """Rex, and Vega partly behind him."""
    walk = load_motion("walk").turned(0.4).at_rate(Fraction(12))
    walk = walk.at(walk.time_T[:COUNT])
    cast = [
        Role(performer=REX, motion=walk, offset_m=(0.9, 0.15)),
        Role(performer=VEGA, motion=walk, offset_m=(-0.9, -0.15)),
    ]
    return list(film_together(cast, Shot(width=PX, height=PX)))


def _poses(filmed: list[EnsembleFrame], who: int) -> PoseSequence:
    keypoints_NK2 = np.stack([frame.people[who].keypoints_K2 for frame in filmed])
    return PoseSequence(
        skeleton=COCO_17, frames=FrameRange(start=0, stop=COUNT),
        keypoints_NK2=keypoints_NK2.astype(np.float32),
        confidence_NK=np.ones(keypoints_NK2.shape[:2], np.float32),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Swapped:
    filmed: list[EnsembleFrame]
    order: tuple[int, int]
    recipe: Recipe

    def lay(self, *colours: tuple[int, int, int] | None) -> Laid:
        """The middle frame, each performer in the order replaced by a disk of one colour."""
        dyed = [
            colour and self._dyed(who, colour)
            for who, colour in zip(self.order, colours, strict=True)
        ]
        lead = dyed[0]
        assert lead is not None
        return lay(replace(lead, others=tuple(dyed[1:])), self.plate_HW3, self.recipe)

    @property
    def plate_HW3(self) -> RGB:
        return self.filmed[MIDDLE].rgb_HW3

    def matte_of(self, who: int) -> np.ndarray:
        return self.filmed[MIDDLE].people[who].matte_HW

    def _dyed(self, who: int, colour: tuple[int, int, int]) -> RenderedFrame:
        return RenderedFrame(
            rgb_HW3=np.full((PX, PX, 3), colour, np.uint8),
            matte_HW=_disk_around(self.filmed[MIDDLE].people[who].keypoints_K2), index=MIDDLE,
        )  # fmt: skip


def _disk_around(keypoints_K2: np.ndarray) -> np.ndarray:
    """A large disk about the hips: those of both overlap."""
    x, y = keypoints_K2[[11, 12]].mean(axis=0)
    rows, columns = np.mgrid[:PX, :PX]
    return np.asarray(np.hypot(columns - x, rows - y) < 16, np.float32)


def _swapped(filmed: list[EnsembleFrame], order: tuple[int, int], gone: bool = False) -> _Swapped:
    poses = [_poses(filmed, who) for who in order]
    swaps = [
        Swap(performer=each, subject=each, background_HW3=SET_HW3) if not (gone and place) else
        Swap(performer=each) for place, each in enumerate(poses)
    ]  # fmt: skip
    recipe = make_recipe(swaps, None, lambda index: filmed[index].rgb_HW3)
    return _Swapped(filmed=filmed, order=order, recipe=Recipe.from_bytes(recipe.to_bytes()))


def _untouched(laid: Laid, plate_HW3: RGB) -> bool:
    return bool((laid.rgb_HW3 == plate_HW3)[~laid.touched_HW].all())


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_who_stands_nearer_is_in_front_whoever_is_named_first(
    filmed: list[EnsembleFrame], order: tuple[int, int]
) -> None:
    swapped = _swapped(filmed, order)
    near = order.index(0)
    assert swapped.recipe.back_to_front(MIDDLE)[-1] == near
    one, other = (_disk_around(filmed[MIDDLE].people[who].keypoints_K2) for who in order)
    both = (one > 0) & (other > 0)
    assert both.sum() > 50
    laid = swapped.lay(*[(BLUE, RED)[who == 0] for who in order])
    shown = laid.rgb_HW3[both].astype(int)
    assert (shown[:, 0] > shown[:, 2] + 60).all()
    np.testing.assert_allclose(laid.subject.matte_HW, np.maximum(one, other), atol=0.02)
    assert _untouched(laid, swapped.plate_HW3)


def test_one_clean_plate_removes_them_all_and_the_rest_is_the_plate(
    filmed: list[EnsembleFrame],
) -> None:
    swapped = _swapped(filmed, (0, 1), gone=True)
    laid = swapped.lay(RED, None)
    for who in (0, 1):
        assert (laid.removed_HW > 0.5)[swapped.matte_of(who) > 0.5].mean() > 0.98
    gone = (swapped.matte_of(1) > 0.9) & (laid.subject.matte_HW == 0)
    shown = laid.rgb_HW3.astype(int)
    off = np.abs(shown - SET_HW3).mean(axis=2)[gone].mean()
    was = np.abs(swapped.plate_HW3.astype(int) - SET_HW3).mean(axis=2)[gone].mean()
    assert gone.sum() > 100
    assert off < was / 3
    assert _untouched(laid, swapped.plate_HW3)
    assert not laid.touched_HW[:30].any()


def test_a_performer_who_is_not_named_stays(filmed: list[EnsembleFrame]) -> None:
    poses = _poses(filmed, 1)
    swap = Swap(performer=poses, subject=poses, background_HW3=SET_HW3)
    recipe = make_recipe([swap], None, lambda index: filmed[index].rgb_HW3)
    plate = filmed[MIDDLE].rgb_HW3
    nobody = RenderedFrame(rgb_HW3=SET_HW3, matte_HW=np.zeros((PX, PX), np.float32), index=MIDDLE)
    laid = lay(nobody, plate, recipe)
    kept = filmed[MIDDLE].people[0].matte_HW > 0.5
    assert (laid.rgb_HW3 == plate).all(axis=2)[kept].mean() > 0.6


def test_a_jump_brings_nobody_nearer_or_farther(filmed: list[EnsembleFrame]) -> None:
    poses = _poses(filmed, 0)
    leaping = replace(poses, keypoints_NK2=poses.keypoints_NK2.copy())
    leaping.keypoints_NK2[MIDDLE, :, 1] -= 30
    np.testing.assert_allclose(nearness(leaping, 20.0), nearness(poses, 20.0), atol=2)
    cropped = replace(poses, confidence_NK=poses.confidence_NK.copy())
    cropped.confidence_NK[:, 13:] = 0
    torso = float(np.ptp(poses.keypoints_NK2[0, [5, 11], 1]))
    assert np.abs(nearness(cropped, torso) - nearness(poses, torso)).max() < 12
    absent = replace(poses, confidence_NK=np.zeros_like(poses.confidence_NK))
    assert np.isnan(nearness(absent, 20.0)).all()
