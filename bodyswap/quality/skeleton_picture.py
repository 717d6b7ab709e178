"""Draw a pose over a picture, for people to look at. The networks' pose maps are `posemap`'s.

It does not know whose pose it is.
"""

import colorsys

import cv2
import numpy as np

from bodyswap.frames import RGB
from bodyswap.skeleton import Floats, Part, Skeleton

_SUBPIXEL_BITS = 3


def draw_skeleton(
    rgb_HW3: RGB, keypoints_K2: Floats, confidence_K: Floats, skeleton: Skeleton
) -> RGB:
    """The picture with the limbs drawn: left ones cold, right ones warm, unsure ones faint."""
    picture: RGB = rgb_HW3.copy()
    thickest = min(rgb_HW3.shape[:2]) / 110
    limbs = zip(skeleton.limb_indices, skeleton.limbs, skeleton.parts_of_limbs, strict=True)
    for (start, end), (name, _), part in limbs:
        sure = float(min(confidence_K[start], confidence_K[end]))
        if sure > 0 and np.isfinite(keypoints_K2[[start, end]]).all():
            thick = max(1 if part.is_fine else 2, round(thickest * part.thickness))
            opacity = 0.35 + 0.65 * min(sure, 1.0)
            colour = _colour(name, start, part)
            _draw_limb(picture, keypoints_K2[start], keypoints_K2[end], colour, thick, opacity)
    return picture


def _draw_limb(
    picture: RGB, start_2: Floats, end_2: Floats, colour: tuple[int, int, int], thick: int,
    opacity: float,
) -> None:  # fmt: skip
    """Draw into the picture, looking only at the window that holds the limb."""
    corners = np.clip(np.stack([start_2, end_2]), -4096, 8192)
    low = np.clip(np.floor(corners.min(axis=0)) - thick - 2, 0, picture.shape[1::-1]).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + thick + 3, 0, picture.shape[1::-1]).astype(int)
    window = picture[low[1] : high[1], low[0] : high[0]]
    if not window.size:
        return
    drawn = window.copy()
    first, last = (_fixed_point(corner - low) for corner in corners)
    cv2.line(drawn, first, last, colour, thick, cv2.LINE_AA, _SUBPIXEL_BITS)
    window[:] = cv2.addWeighted(drawn, opacity, window, 1 - opacity, 0)


def _fixed_point(point_2: Floats) -> tuple[int, int]:
    x, y = point_2 * (1 << _SUBPIXEL_BITS)
    return int(x), int(y)


def _colour(joint: str, index: int, part: Part) -> tuple[int, int, int]:
    hue = {"left": 0.52, "right": 0.03}.get(joint.split("_")[0], 0.3) + 0.012 * (index % 8)
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.4 if part.is_fine else 0.85, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)
