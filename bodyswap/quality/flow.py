"""Optical flow between two frames (DIS: Kroeger et al., ECCV 2016), and frames moved along it.

It does not know what is measured with it. Shape letters: H rows, W columns, 2 = x and y in pixels,
3 = red, green, blue, 8-bit.
"""

import cv2
import numpy as np
import numpy.typing as npt

from bodyswap.frames import RGB

Flow = npt.NDArray[np.float32]
Grey = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

LEAST_PX = 12
"""A picture narrower than this has no flow: DIS's smallest patches do not fit."""


class FlowEstimator:
    """DIS at its medium preset; one instance is good for one size of picture after another."""

    def __init__(self) -> None:
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def flow(self, start_HW: Grey, end_HW: Grey) -> Flow:
        """Where each pixel of `start` has gone in `end`, relative to where it was, (H, W, 2)."""
        return np.asarray(
            self._dis.calc(start_HW, end_HW, np.zeros((*start_HW.shape, 2), np.float32)), np.float32
        )


def grey(rgb_HW3: RGB) -> Grey:
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(rgb_HW3), cv2.COLOR_RGB2GRAY), np.uint8)


def pulled(picture_HW3: RGB, back_HW2: Flow) -> RGB:
    """The earlier picture as the later frame would show it; `back` leads from later to earlier."""
    at_HW2 = back_HW2 + _grid(back_HW2)
    moved = cv2.remap(
        np.ascontiguousarray(picture_HW3),
        at_HW2[..., 0],
        at_HW2[..., 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(moved, np.uint8)


def seen_in_both(forth_HW2: Flow, back_HW2: Flow) -> Mask:
    """Which pixels of the later frame the earlier one shows too.

    The check of both ways round of Sundaram et al. (ECCV 2010), as Lai et al. (2018) use it.
    """
    at_HW2 = back_HW2 + _grid(back_HW2)
    returned_HW2 = cv2.remap(forth_HW2, at_HW2[..., 0], at_HW2[..., 1], cv2.INTER_LINEAR)
    gap_HW = ((back_HW2 + returned_HW2) ** 2).sum(axis=2)
    length_HW = (back_HW2**2).sum(axis=2) + (returned_HW2**2).sum(axis=2)
    rows, columns = back_HW2.shape[:2]
    inside_HW = (at_HW2 >= 0).all(axis=2) & (at_HW2 <= (columns - 1, rows - 1)).all(axis=2)
    return np.asarray(inside_HW & (gap_HW <= 0.01 * length_HW + 0.5), np.bool_)


def _grid(flow_HW2: Flow) -> Flow:
    rows, columns = flow_HW2.shape[:2]
    y, x = np.mgrid[:rows, :columns]
    return np.stack([x, y], axis=2).astype(np.float32)
