"""Draws an imperceptible, keyed watermark: a few bits in every frame's brightness and its blue.

Spread spectrum (Cox et al. 1997) on a repeating tile: each bit turns a keyed pattern of soft cells
up or down, all of them lie over one another, and one more pattern tells the reader where the tile
begins, so that it stands cropping. How much of it a place carries is what the eye lets pass there:
nearly nothing where it is flat, less where it is dark, more where it is busy, and more in blue,
which is seen coarsely (Kutter et al. 1998). It does not know jobs, keys' places or files; without
the key nobody can tell the mark from grain.

Shape letters: H rows, W columns, T the tile's side in pixels, 3 = red, green, blue.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from bodyswap.frames import RGB
from bodyswap.rights.mark import Mark
from bodyswap.rights.watermark_tile import TILE_PX, Floats, tile_of

BUSY = 0.25
"""Levels of 255 for each level that a place varies by."""
_MOST = 3.0


@dataclass(frozen=True, kw_only=True)
class Bearing:
    """How many levels of 255 a flat place bears; how many times as many in blue, and at most."""

    flat: float
    blue: float
    most_blue: float

    @cached_property
    def strengths(self) -> Floats:
        """For each amount that a place may vary by."""
        return np.asarray(np.minimum(self.flat + BUSY * np.arange(256), _MOST), np.float32)


PICTURE = Bearing(flat=0.6, blue=1.5, most_blue=3.0)
"""A whole picture: in its flat places no brightness changes by two."""
PEOPLE = Bearing(flat=0.8, blue=3.2, most_blue=4.5)
"""People alone, who move and are no walls, and of whom there may be little."""

_DARKEST, _DARK_BELOW = 0.6, 60
_SHARES = np.minimum(
    _DARKEST + (1 - _DARKEST) * np.arange(256) / _DARK_BELOW, 1.0
).astype(np.float32)  # fmt: skip
"""Of the strength, for each brightness: a level is a larger step of light in the dark."""
_LOOK_PX, _AROUND_PX = 7, 15


class Watermark:
    """Marks pictures with one payload under one key, each by itself; any worker marks alike."""

    def __init__(self, mark: Mark) -> None:
        self._tile_TT = tile_of(mark)

    def mark(self, picture_HW3: RGB, bearing: Bearing = PICTURE) -> RGB:
        """The picture with the mark in it."""
        height, width = picture_HW3.shape[:2]
        repeats = (-(-height // TILE_PX), -(-width // TILE_PX))
        tile_HW = np.tile(self._tile_TT, repeats)[:height, :width]
        strength_HW = _strength(picture_HW3, bearing)
        grey_HW = np.rint(tile_HW * strength_HW).astype(np.int16)
        most_HW = np.minimum(bearing.blue * strength_HW, bearing.most_blue)
        blue_HW = np.rint(tile_HW * most_HW).astype(np.int16)
        change_HW3 = cv2.merge([grey_HW, grey_HW, blue_HW])
        return np.asarray(cv2.add(picture_HW3, change_HW3, dtype=cv2.CV_8U), np.uint8)


def _strength(picture_HW3: RGB, bearing: Bearing) -> Floats:
    """How many levels a place may carry; out of whole numbers, so that every machine agrees.

    A place is as busy as the least busy place beside it: next to an edge, a wall is still a wall.
    """
    luma_HW = cv2.cvtColor(picture_HW3, cv2.COLOR_RGB2GRAY)
    fine_HW = cv2.blur(cv2.absdiff(luma_HW, cv2.GaussianBlur(luma_HW, (0, 0), 2)), (_LOOK_PX,) * 2)
    busy_HW = cv2.erode(fine_HW, np.ones((5, 5), np.uint8))
    around_HW = cv2.blur(luma_HW, (_AROUND_PX,) * 2)
    return np.asarray(cv2.LUT(busy_HW, bearing.strengths) * cv2.LUT(around_HW, _SHARES), np.float32)
