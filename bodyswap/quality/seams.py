"""Whether a shot's joins show, with nothing to hold it to but itself: the farm has no truth.

The error across a join is what is left of the step once the shot's own motion is taken out of it,
against the steps beside it. A change of tone or of detail shows so; somebody who jumps aside looks
like motion, and is told by comparing the frames that both parts of a join rendered.
It does not know how the shot was cut. Shape letters: H rows, W columns, 3 = red, green, blue.
"""

from collections.abc import Iterable, Iterator, Sequence

import cv2

from bodyswap.decode import pictures_of
from bodyswap.frames import RGB
from bodyswap.media.index import ClipIndex
from bodyswap.quality.flow import (
    LEAST_PX,
    FlowEstimator,
    grey,
    pulled,
    seen_in_both,
)
from bodyswap.quality.joins import NEIGHBOURS, JoinQuality, judge_join
from bodyswap.timing import FrameRange


def measure_seams(
    pictures: Iterable[RGB], frames: FrameRange, joins: Sequence[int]
) -> tuple[JoinQuality, ...]:
    """Each join's quality, `excess` and `ratio` being the same; flow only runs near joins.

    `pictures` are all of `frames` in order, `joins` the plate's index after each join.
    """
    places = [index - frames.start for index in joins]
    errors = list(_errors(pictures, places))
    return tuple(judge_join(place, places, frames, errors) for place in places)


def seam_ratios(
    shot: ClipIndex, frames: FrameRange, joins: Sequence[int]
) -> tuple[float | None, ...]:
    """Each join's ratio in the assembled `shot` of the plate's `frames`, decoded around it alone.

    `joins` are the plate's index after each join.
    """
    return tuple(_ratio_at(shot, frames, join, joins) for join in joins)


def _ratio_at(shot: ClipIndex, frames: FrameRange, join: int, joins: Sequence[int]) -> float | None:
    place = join - frames.start
    beside = FrameRange(start=place, stop=place).grown(NEIGHBOURS + 1, within=shot.frames)
    near = [other - frames.start for other in joins if other - frames.start in beside]
    return measure_seams(pictures_of(shot, beside), beside, near)[near.index(place)].ratio


def _errors(pictures: Iterable[RGB], places: Sequence[int]) -> Iterator[float | None]:
    """Each frame's error against the one before it; None far from any join."""
    near = {
        index for place in places for index in range(place - NEIGHBOURS, place + NEIGHBOURS + 1)
    }
    estimator = FlowEstimator()
    before: RGB | None = None
    for index, picture_HW3 in enumerate(pictures):
        if before is None or index not in near:
            yield None
        else:
            yield _error(before, picture_HW3, estimator)
        before = picture_HW3


def _error(old_HW3: RGB, new_HW3: RGB, estimator: FlowEstimator) -> float | None:
    """Mean grey levels between a frame and the one before it moved along their own flow."""
    if min(new_HW3.shape[:2]) < LEAST_PX:
        return None
    old_HW, new_HW = grey(old_HW3), grey(new_HW3)
    forth_HW2, back_HW2 = estimator.flow(old_HW, new_HW), estimator.flow(new_HW, old_HW)
    both_HW = seen_in_both(forth_HW2, back_HW2)
    if not both_HW.any():
        return None
    return float(cv2.absdiff(pulled(old_HW3, back_HW2), new_HW3)[both_HW].mean())
