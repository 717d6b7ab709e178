"""Fill: what a clean plate shows where no frame saw the set.

A smooth set is smeared in from the rim (Telea 2004), which leaves no seam; one with texture, such
as grass or leaves, is put together of its own surroundings (shift maps, Pritch et al. 2009): a
smear would show. It does not know people. Shape letters: H rows, W columns, 3 = red, green, blue.
"""

import cv2
import numpy as np
import numpy.typing as npt

from bodyswap.frames import RGB

_Mask = npt.NDArray[np.bool_]

_INPAINT_PX = 5
_RIM_PX = 12
"""How far around a hole its surroundings are asked for texture."""
_TEXTURE_LEVELS = 3.0
_LEAST_PX = 24
"""A hole narrower than this has no room for a texture to show."""
_AROUND = 0.5
"""How much of the hole's width and height beside it may be put into it."""
_MOST_PX = 360_000
"""More pixels than these are filled at a smaller size: it takes seconds for so many."""


def filled(rgb_HW3: RGB, seen_HW: _Mask) -> RGB:
    """The picture with what is not seen filled in; what is seen stays to the bit."""
    smeared = cv2.inpaint(rgb_HW3, (~seen_HW).astype(np.uint8), _INPAINT_PX, cv2.INPAINT_TELEA)
    whole_HW3 = np.asarray(smeared, np.uint8)
    for hole_HW in _holes(seen_HW):
        if _texture(rgb_HW3, seen_HW, hole_HW) > _TEXTURE_LEVELS:
            _put_together(whole_HW3, seen_HW, hole_HW)
    return whole_HW3


def _holes(seen_HW: _Mask) -> list[_Mask]:
    """Each hole that is large enough for its texture to matter."""
    _, parts, stats, _ = cv2.connectedComponentsWithStats((~seen_HW).astype(np.uint8))
    return [
        parts == number
        for number, (_, _, width, height, _) in enumerate(stats)
        if number and min(width, height) >= _LEAST_PX
    ]


def _texture(rgb_HW3: RGB, seen_HW: _Mask, hole_HW: _Mask) -> float:
    """How far the set about the hole is from smooth, in levels: where half of it is farther.

    An edge here and there is no texture.
    """
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _RIM_PX + 1,) * 2)
    rim_HW = (cv2.dilate(hole_HW.astype(np.uint8), disk) > 0) & seen_HW
    if not rim_HW.any():
        return 0.0
    grey_HW = cv2.cvtColor(rgb_HW3, cv2.COLOR_RGB2GRAY)
    # The median of 3x3 takes grain away, that of 15x15 texture.
    fine_HW, coarse_HW = (cv2.medianBlur(grey_HW, side).astype(np.int16) for side in (3, 15))
    return float(np.median(np.abs(fine_HW - coarse_HW)[rim_HW]))


def _put_together(whole_HW3: RGB, seen_HW: _Mask, hole_HW: _Mask) -> None:
    """The hole of `whole_HW3` out of pieces of what is seen around it."""
    window = _window(hole_HW)
    valid_HW = np.where(seen_HW[window], 255, 0).astype(np.uint8)
    height, width = valid_HW.shape
    scale = min(1.0, (_MOST_PX / (height * width)) ** 0.5)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small_HW3 = cv2.resize(whole_HW3[window], size, interpolation=cv2.INTER_AREA)
    mask_HW = cv2.resize(valid_HW, size, interpolation=cv2.INTER_NEAREST)
    lab_HW3 = cv2.cvtColor(small_HW3, cv2.COLOR_RGB2Lab)
    made_HW3 = np.zeros_like(lab_HW3)
    cv2.xphoto.inpaint(lab_HW3, mask_HW, made_HW3, cv2.xphoto.INPAINT_SHIFTMAP)
    # It leaves 0 where it found no piece, which is no colour: black has 128 twice.
    left_HW = cv2.dilate((made_HW3 == 0).all(axis=2).astype(np.uint8), np.ones((3, 3), np.uint8))
    pieces_HW3 = cv2.cvtColor(made_HW3, cv2.COLOR_Lab2RGB)
    pieces_HW3 = cv2.inpaint(pieces_HW3, left_HW, _INPAINT_PX, cv2.INPAINT_TELEA)
    large_HW3 = cv2.resize(pieces_HW3, (width, height), interpolation=cv2.INTER_CUBIC)
    inside = hole_HW[window]
    whole_HW3[window][inside] = large_HW3[inside]


def _window(hole_HW: _Mask) -> tuple[slice, slice]:
    """The hole, and beside it what it may be filled with."""
    rows, columns = (np.flatnonzero(hole_HW.any(axis=axis)) for axis in (1, 0))
    slices = []
    for places, count in zip((rows, columns), hole_HW.shape, strict=True):
        low, high = int(places[0]), int(places[-1]) + 1
        beside = max(_RIM_PX, round((high - low) * _AROUND))
        slices.append(slice(max(0, low - beside), min(count, high + beside)))
    return slices[0], slices[1]
