"""The performer's matte: how much of each pixel of the plate is them.

Difference from the clean plate, in multiples of the plate's grain, where the pose says that the
performer may be. Where the set was never seen there is no difference to go by, and the frame's own
colours decide. A segmenter of somebody's own, where one is given, decides instead of both. Each
frame for itself, from poses that were smoothed over the whole shot.
Shape letters: H rows, W columns, 3 = red, green, blue.
"""

import cv2
import numpy as np
import numpy.typing as npt

from bodyswap.frames import RGB, Matte
from bodyswap.replacing.cleanplate import CleanPlate
from bodyswap.replacing.segment import CutOut, cut_by_colour

_CERTAIN = (0.15, 0.4)
_POSSIBLE = (1.0, 1.45)
"""Half-widths up to which a pixel is, or may be, the performer's; the certain ones are the bones,
which leave no hole where somebody wears the set's own colour."""
_TOLD = (1.6, 2.2)
"""The same where a segmenter tells: it knows hair and skirts from a set."""
_LEAST_LEVELS, _LEAST_SIGMAS = 6.0, 3.5
_FULL = 2.6
"""How many times the least difference is surely somebody."""
_CLOSE_TORSOS = 0.07
_GROW_TORSOS = 0.035


def performer_matte(
    rgb_HW3: RGB, clean: CleanPlate, distance_HW: Matte, segment: CutOut | None = None
) -> Matte:
    """The soft matte in [0, 1]; 0 to the bit away from the performer.

    `distance_HW` is of `figure.distance_to`; `clean` as this frame sees it.
    """
    certain_HW = _falling(distance_HW, *_CERTAIN)
    if segment is not None:
        told_HW = segment(rgb_HW3, distance_HW) * _falling(distance_HW, *_TOLD)
        return np.asarray(np.maximum(told_HW, certain_HW), np.float32)
    near_HW = _falling(distance_HW, *_POSSIBLE)
    differs_HW = _difference(rgb_HW3, clean)
    told_HW = differs_HW
    if (~clean.seen_HW & (near_HW > 0)).any():
        told_HW = np.where(clean.seen_HW, differs_HW, cut_by_colour(rgb_HW3, distance_HW))
    return np.asarray(np.maximum(told_HW * near_HW, certain_HW), np.float32)


def removal_matte(matte_HW: Matte, torso_px: float) -> Matte:
    """A matte that takes in the performer's rim and the holes in them: what is to be gone.

    Beyond its reach it is 0 to the bit.
    """
    closed_HW = cv2.morphologyEx(matte_HW, cv2.MORPH_CLOSE, _disk(_CLOSE_TORSOS * torso_px))
    # A speck is grain, and not the performer.
    opened_HW = cv2.morphologyEx(closed_HW, cv2.MORPH_OPEN, _disk(1))
    grown_HW = cv2.dilate((opened_HW > 0.25).astype(np.float32), _disk(_GROW_TORSOS * torso_px))
    reach = max(1, round(_GROW_TORSOS * torso_px / 2))
    return fading(grown_HW > 0, reach)


def fading(mask_HW: npt.NDArray[np.bool_], reach_px: int) -> Matte:
    """1 in the mask, falling to 0 over `reach_px` around it, and 0 to the bit beyond."""
    away_HW = cv2.distanceTransform((~mask_HW).astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray((1 - away_HW / (reach_px + 1)).clip(0, 1), np.float32)


def _difference(rgb_HW3: RGB, clean: CleanPlate) -> Matte:
    """0 where the frame shows the set within its grain, 1 where it surely does not."""
    # The median over 3x3 has less than half of the grain, and leaves edges where they are.
    apart_HW3 = cv2.medianBlur(rgb_HW3.astype(np.float32) - clean.rgb_HW3, 3)
    least_3 = np.maximum(_LEAST_SIGMAS * clean.noise_3, _LEAST_LEVELS)
    excess_HW = (np.abs(apart_HW3) / least_3).max(axis=2)
    return np.asarray(((excess_HW - 1) / (_FULL - 1)).clip(0, 1), np.float32)


def _falling(distance_HW: Matte, full: float, none: float) -> Matte:
    return np.asarray(((none - distance_HW) / (none - full)).clip(0, 1), np.float32)


def _disk(radius: float) -> npt.NDArray[np.uint8]:
    side = 2 * max(1, round(radius)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
