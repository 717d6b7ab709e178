import numpy as np
import pytest

from bodyswap.frames import RGB
from bodyswap.quality.joins import JoinQuality, tell_joins
from bodyswap.quality.seams import measure_seams
from bodyswap.timing import FrameRange
from tests.quality.scenes import panned, texture, walked

COUNT, JOIN = 24, 12
PLATE = FrameRange(start=100, stop=100 + COUNT)


def _grainy(pictures: list[RGB]) -> list[RGB]:
    generator = np.random.default_rng(8)
    return [
        np.clip(picture + generator.normal(0, 1.5, picture.shape), 0, 255).round().astype(np.uint8)
        for picture in pictures
    ]


def _seamed(pictures: list[RGB], by: int) -> list[RGB]:
    return [picture + np.uint8(by * (index >= JOIN)) for index, picture in enumerate(pictures)]


def _measured(pictures: list[RGB]) -> JoinQuality:
    (join,) = measure_seams(pictures, PLATE, [100 + JOIN])
    return join


@pytest.mark.parametrize("scene", [panned(COUNT), walked(COUNT, step=2)])
def test_a_seam_of_a_few_grey_levels_stands_out_without_any_reference(scene: list[RGB]) -> None:
    join = _measured(_seamed(_grainy(scene), 5))
    assert join.frame == 1101 + JOIN and join.stands_out
    assert join.ratio is not None and join.ratio > 1.5 and join.excess == join.ratio
    assert "above every neighbour: 1113" in tell_joins([join])


@pytest.mark.parametrize("scene", [panned(COUNT), walked(COUNT, step=2)])
def test_without_a_seam_the_ratio_is_about_one(scene: list[RGB]) -> None:
    assert _measured(_grainy(scene)).ratio == pytest.approx(1, abs=0.1)


def test_detail_that_is_lost_at_a_join_shows_too() -> None:
    sharp, scene = texture(4), _grainy(walked(COUNT, step=2))
    detailed = [
        np.where(np.indices(sharp.shape[:2]).sum(axis=0)[..., None] % 2, picture, picture + 8)
        if index < JOIN else picture
        for index, picture in enumerate(scene)
    ]  # fmt: skip
    assert _measured([np.asarray(picture, np.uint8) for picture in detailed]).stands_out


def test_pictures_too_small_for_flow_tell_nothing() -> None:
    tiny = [np.zeros((8, 8, 3), np.uint8)] * COUNT
    assert _measured(tiny).ratio is None
