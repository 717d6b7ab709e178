"""What moves in some frames of a set that stands still, and where.

It does not know why it is looked for. Of a camera that moves everything does, and nothing is told.

Shape letters: H rows, W columns, 3 = red, green, blue.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bodyswap.frames import RGB

_LEAST_FRAMES = 8
_SET_FRAMES = 15
_DIFFERENT = 16
"""Levels from the empty set, as a small place has them on average; codecs and grain stay below."""
_HOLES_PX, _RIM_PX = 9, 3
_MOST_MOVING = 0.4
_MOST_PLACES = 6
_LEAST_OFTEN = 0.05
_LEAST_PX = 400
_AROUND_PX = 41

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Moving:
    """For each frame where something moves, HW, 0 or 1; and places, HW, that one may look at alone.

    The first place is the whole picture.
    """

    masks: tuple[Floats, ...]
    places: tuple[Floats, ...]


def moving_parts(pictures: Sequence[RGB]) -> Moving | None:
    """What moves; None where there are too few frames, or everything moves, or nothing does."""
    if len(pictures) < _LEAST_FRAMES:
        return None
    step = max(len(pictures) // _SET_FRAMES, 1)
    empty_HW3 = np.median(np.stack(pictures[::step]), axis=0).astype(np.uint8)
    masks = [_differing(picture, empty_HW3) for picture in pictures]
    often_HW = np.asarray(np.mean(masks, axis=0), np.float32)
    if not 0 < often_HW.mean() < _MOST_MOVING:
        return None
    everywhere = np.ones_like(often_HW)
    return Moving(masks=tuple(masks), places=(everywhere, *_places(often_HW, len(masks))))


def _differing(picture_HW3: RGB, empty_HW3: RGB) -> Floats:
    """Where somebody stands, without their rim: what little of the set is in a mask never fades."""
    most_HW = cv2.absdiff(picture_HW3, empty_HW3).max(axis=2)
    is_there_HW = (cv2.blur(most_HW, (5, 5)) > _DIFFERENT).astype(np.uint8)
    whole_HW = cv2.morphologyEx(is_there_HW, cv2.MORPH_CLOSE, _square(_HOLES_PX))
    return cv2.erode(whole_HW, _square(_RIM_PX)).astype(np.float32)


def _places(often_HW: Floats, frames: int) -> list[Floats]:
    """Parts of the picture that something is in by itself, the busiest first."""
    is_busy_HW = (often_HW > max(_LEAST_OFTEN, 1 / frames)).astype(np.uint8)
    clean_HW = cv2.morphologyEx(is_busy_HW, cv2.MORPH_OPEN, _square(3))
    near_HW = cv2.dilate(clean_HW, _square(_AROUND_PX))
    count, labels_HW = cv2.connectedComponents(near_HW)
    busy = np.bincount(labels_HW.ravel(), weights=often_HW.ravel(), minlength=count)
    busiest = [label for label in np.argsort(-busy) if label and busy[label] >= _LEAST_PX]
    return [(labels_HW == label).astype(np.float32) for label in busiest[:_MOST_PLACES]]


def _square(side_px: int) -> NDArray[np.uint8]:
    return np.ones((side_px, side_px), np.uint8)
