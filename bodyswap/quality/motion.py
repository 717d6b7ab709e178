"""How steady a render is in time, frame by frame: warping error, tOF, flicker, plain change.

Everything is measured along the reference's motion, and for the reference itself too: its own noise
and the flow's own faults are the floor that a render can be held to.
It does not know files. Shape letters: H rows, W columns, 2 = x and y in pixels, 3 = red, green,
blue, 8-bit. Errors and changes are in grey levels (0 to 255), means of absolute values.
"""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from bodyswap.frames import RGB
from bodyswap.quality.flow import (
    LEAST_PX,
    Flow,
    FlowEstimator,
    Grey,
    Mask,
    grey,
    pulled,
    seen_in_both,
)

STILL_GREY = 3.0
"""The reference is still where, blurred against noise, it changes by less than this..."""
STILL_PX = 0.3
"""...and its flow is shorter than this."""
_BLUR_PX = 2.0
_LEAST_STILL = 0.01
"""With a smaller share of the picture still, flicker is not told."""


@dataclass(frozen=True, kw_only=True)
class MotionQuality:
    """One frame's scores against the frame before it.

    `warping_error` (Lai et al., ECCV 2018; mean absolute error here, theirs is squared): how far
    the frame is from the one before it moved along the reference's flow, where both show the same
    thing; None where nothing is in both.
    `tof_px` (Chu et al., TecoGAN, 2020): mean distance of the render's flow from the reference's.
    `flicker`: change of the render where the reference keeps still; None where that is nowhere.
    `change`: of all the picture.
    """

    warping_error: float | None
    reference_warping_error: float | None
    tof_px: float
    flicker: float | None
    reference_flicker: float | None
    change: float
    reference_change: float


@dataclass(frozen=True)
class _Look:
    """A picture, and what flow needs of it."""

    rgb_HW3: RGB
    grey_HW: Grey

    @classmethod
    def at(cls, rgb_HW3: RGB) -> Self:
        return cls(rgb_HW3, grey(rgb_HW3))


class MotionMeter:
    """Takes pairs of frames in order and keeps only the last."""

    def __init__(self) -> None:
        self._estimator = FlowEstimator()
        self._last: tuple[_Look, _Look] | None = None

    def measure(self, render_HW3: RGB, reference_HW3: RGB) -> MotionQuality | None:
        """Scores against the pair before; None for the first pair, and for tiny pictures."""
        if min(render_HW3.shape[:2]) < LEAST_PX:
            return None
        now = _Look.at(render_HW3), _Look.at(reference_HW3)
        before, self._last = self._last, now
        return None if before is None else self._compare(before, now)

    def forget(self) -> None:
        """Another clip begins: the next pair has none before it."""
        self._last = None

    def _compare(self, before: tuple[_Look, _Look], now: tuple[_Look, _Look]) -> MotionQuality:
        (old, old_true), (new, new_true) = before, now
        forth_HW2 = self._estimator.flow(old_true.grey_HW, new_true.grey_HW)
        back_HW2 = self._estimator.flow(new_true.grey_HW, old_true.grey_HW)
        rendered_HW2 = self._estimator.flow(old.grey_HW, new.grey_HW)
        both_HW = seen_in_both(forth_HW2, back_HW2)
        still_HW = _still(old_true.rgb_HW3, new_true.rgb_HW3, forth_HW2, back_HW2)
        return MotionQuality(
            warping_error=_error(pulled(old.rgb_HW3, back_HW2), new.rgb_HW3, both_HW),
            reference_warping_error=_error(
                pulled(old_true.rgb_HW3, back_HW2), new_true.rgb_HW3, both_HW
            ),
            tof_px=float(np.linalg.norm(rendered_HW2 - forth_HW2, axis=2).mean()),
            flicker=_error(old.rgb_HW3, new.rgb_HW3, still_HW),
            reference_flicker=_error(old_true.rgb_HW3, new_true.rgb_HW3, still_HW),
            change=float(cv2.absdiff(old.rgb_HW3, new.rgb_HW3).mean()),
            reference_change=float(cv2.absdiff(old_true.rgb_HW3, new_true.rgb_HW3).mean()),
        )


def _still(old_HW3: RGB, new_HW3: RGB, forth_HW2: Flow, back_HW2: Flow) -> Mask:
    """Where the reference neither changes nor moves; nowhere, if that is next to nothing."""
    change_HW = cv2.absdiff(
        cv2.GaussianBlur(old_HW3, (0, 0), _BLUR_PX), cv2.GaussianBlur(new_HW3, (0, 0), _BLUR_PX)
    ).max(axis=2)
    length_HW = np.maximum(*(np.linalg.norm(flow, axis=2) for flow in (forth_HW2, back_HW2)))
    still_HW = (change_HW < STILL_GREY) & (length_HW < STILL_PX)
    inner_HW = cv2.erode(still_HW.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return np.asarray(inner_HW & bool(inner_HW.mean() >= _LEAST_STILL), np.bool_)


def _error(one_HW3: RGB, other_HW3: RGB, where_HW: Mask) -> float | None:
    if not where_HW.any():
        return None
    return float(cv2.absdiff(one_HW3, other_HW3)[where_HW].mean())
