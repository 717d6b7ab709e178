"""Crops around the head, of one size, from a render and from its reference at the same place.

A face is a hundredth of the picture and most of what is looked at: it is scored on its own.
It does not know the scores, nor where poses come from. Shape letters: N frames, H rows, W columns,
K joints, 2 = x and y in pixels, 3 = red, green, blue, 8-bit.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from bodyswap.frames import RGB
from bodyswap.people import PoseSequence
from bodyswap.quality.pose_error import person_height_px
from bodyswap.skeleton import Floats

FACE_PX = 64
"""Crops are resized to this square."""
LEAST_FACE_PX = 10
"""A smaller head in the picture is not scored: there is nothing to see in it."""
_HEAD = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
_OF_SPAN, _OF_HEIGHT = 2.2, 1 / 7
"""A crop's side: so often the head joints' span, but no less than so much of the person."""


@dataclass(frozen=True, kw_only=True)
class FaceBox:
    """A square: its centre and side, in pixels of the picture."""

    centre_2: tuple[float, float]
    side_px: int


class FaceCrops:
    """Where the face of one person is in each frame."""

    def __init__(self, poses: PoseSequence) -> None:
        head = list(poses.skeleton.those_of(_HEAD))
        height_px = person_height_px(poses)
        self._boxes = [
            _box(keypoints_K2[head], confidence_K[head], height_px)
            for keypoints_K2, confidence_K in zip(
                poses.keypoints_NK2, poses.confidence_NK, strict=True
            )
        ]

    def __len__(self) -> int:
        return len(self._boxes)

    def box(self, index: int) -> FaceBox | None:
        """None where no head was seen, or too small a one."""
        return self._boxes[index]

    def crop(self, picture_HW3: RGB, index: int) -> RGB | None:
        """The face, (FACE_PX, FACE_PX, 3); None where `box` is, or lies outside the picture."""
        box = self._boxes[index]
        rows, columns = picture_HW3.shape[:2]
        if box is None or not (0 <= box.centre_2[0] < columns and 0 <= box.centre_2[1] < rows):
            return None
        square = box.side_px, box.side_px
        cut = cv2.getRectSubPix(np.ascontiguousarray(picture_HW3), square, box.centre_2)
        how = cv2.INTER_AREA if box.side_px > FACE_PX else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(cut, (FACE_PX, FACE_PX), interpolation=how), np.uint8)


def _box(head_J2: Floats, confidence_J: Floats, height_px: float) -> FaceBox | None:
    """The square around the head joints that were seen."""
    seen_J2 = head_J2[confidence_J > 0]
    if not len(seen_J2):
        return None
    low_2, high_2 = seen_J2.min(axis=0), seen_J2.max(axis=0)
    side = max(_OF_SPAN * float((high_2 - low_2).max()), _OF_HEIGHT * height_px)
    if side < LEAST_FACE_PX:
        return None
    x, y = (low_2 + high_2) / 2
    return FaceBox(centre_2=(float(x), float(y)), side_px=round(side))
