"""Draw a pose over a picture, for people to look at. The networks' pose maps are `posemap`'s.

It does not know whose pose it is.
"""

import colorsys

import cv2
import numpy as np

from bodyswap.frames import RGB
from bodyswap.skeleton import Floats, Skeleton

_SUBPIXEL_BITS = 3


def draw_skeleton(
    rgb_HW3: RGB, keypoints_K2: Floats, confidence_K: Floats, skeleton: Skeleton
) -> RGB:
    """The picture with the limbs drawn: left ones cold, right ones warm, unsure ones faint."""
    picture: RGB = rgb_HW3.copy()
    thick = max(2, round(min(rgb_HW3.shape[:2]) / 110))
    for (start, end), (name, _) in zip(skeleton.limb_indices, skeleton.limbs, strict=True):
        sure = float(min(confidence_K[start], confidence_K[end]))
        if sure <= 0:
            continue
        drawn = picture.copy()
        first, last = (_fixed_point(keypoints_K2[joint]) for joint in (start, end))
        cv2.line(drawn, first, last, _colour(name, start), thick, cv2.LINE_AA, _SUBPIXEL_BITS)
        opacity = 0.35 + 0.65 * min(sure, 1.0)
        mixed = cv2.addWeighted(drawn, opacity, picture, 1 - opacity, 0)
        picture = np.asarray(mixed, np.uint8)
    return picture


def _fixed_point(point_2: Floats) -> tuple[int, int]:
    x, y = np.clip(point_2, -4096, 8192) * (1 << _SUBPIXEL_BITS)
    return int(x), int(y)


def _colour(joint: str, index: int) -> tuple[int, int, int]:
    hue = {"left": 0.52, "right": 0.03}.get(joint.split("_")[0], 0.3) + 0.012 * (index % 8)
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.85, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)
