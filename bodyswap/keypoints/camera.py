"""The camera's own motion: how each frame's background moves to the next.

Corners of the background are followed from a key frame on, in a small grey picture, so that a slow
drift adds up to something measurable instead of drowning in each step's noise. People are left out
by their boxes. A camera that does not move gives the identity exactly.

It does not know poses, nor what the motion is used for.
Shape letters: N frames, P points, M detections, 2 = x and y, 3x3 = a homography of pixels.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from kornia.geometry.homography import find_homography_dlt_iterated

from bodyswap.config import POSE_SEARCH_EVERY
from bodyswap.frames import RGB, FrameBatch
from bodyswap.homography import Homographies, apply_homography
from bodyswap.people import Detections
from bodyswap.skeleton import Floats
from bodyswap.timing import FrameRange

SMALL_WIDTH = 640
STILL_PX = 0.12
"""Background that moved less than this, in the small picture, since the key frame, did not move."""
_POINTS, _LEAST_POINTS = 240, 24
_LEAST_AGREEING = 0.4
"""The share of points that must follow one motion for it to be the camera's."""
_SOFT_INLIER_PX = 0.8
_UNEXPLAINED = 0.6
"""The most of the corners' motion that a camera motion may leave over: noise leaves nearly all."""
_BOX_MARGIN = 0.08
_FLOW: dict[str, Any] = {
    "winSize": (15, 15),
    "maxLevel": 3,
    "criteria": (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 12, 0.02),
}


@dataclass(frozen=True, kw_only=True)
class _Look:
    """Where a key frame's corners are in one frame, (P, 2) pixels; `is_there_P` where found."""

    from_P2: Floats
    to_P2: Floats
    is_there_P: npt.NDArray[np.bool_]


class CameraWatch:
    """Watches the frames of a range, and the one after it, go by.

    Key frames are those at which people are searched for too, so a pass that is cut at these sees
    what a pass over the whole plate sees.
    """

    def __init__(self, frames: FrameRange) -> None:
        self._frames = frames
        self._scale = 1.0
        self._key: RGB | None = None
        self._corners = self._places = np.zeros((0, 2), np.float32)
        self._steps: list[tuple[_Look, _Look]] = []
        """From each frame to the next: the key's corners in both."""

    def passing(self, batches: Iterable[FrameBatch]) -> Iterator[FrameBatch]:
        """The batches again, without the frames after the range, each frame looked at."""
        for batch in batches:
            for rgb_HW3 in batch.rgb_NHW3:
                self._see(rgb_HW3)
            inside = batch.within(self._frames)
            if len(inside):
                yield inside

    def motion(self, people: Detections) -> Homographies:
        """For each frame, the homography from the next frame's background to its own, (N, 3, 3)."""
        motion_N33 = np.tile(np.eye(3), (len(self._frames), 1, 1))
        steps = list(enumerate(self._steps[: len(self._frames)]))
        # As many at once in whatever way the pass is cut, for the sums to be the same.
        for _, some in groupby(steps, lambda step: self._key_number(step[0])):
            group = list(some)
            looks = [
                look for index, step in group for look in self._background(index, step, people)
            ]
            for (index, _), before, after in zip(group, *_alternating(_to_key(looks)), strict=True):
                if np.isfinite(before).all() and np.isfinite(after).all():
                    motion_N33[index] = self._in_full_size(before, after)
        return motion_N33

    def _key_number(self, index: int) -> int:
        return (self._frames.start + index) // POSE_SEARCH_EVERY

    def _background(self, index: int, step: tuple[_Look, _Look], people: Detections) -> list[_Look]:
        """The step's two looks at the corners that both have, without those on people."""
        here, there = step
        boxes = people.box_M4[people.frame_M == self._frames.start + index] * self._scale
        used_P = there.is_there_P & ~_inside_any(here.to_P2, boxes)
        return [replace(look, is_there_P=used_P) for look in step]

    def _see(self, rgb_HW3: RGB) -> None:
        height, width = rgb_HW3.shape[:2]
        self._scale = min(1.0, SMALL_WIDTH / width)
        size = round(width * self._scale), round(height * self._scale)
        small = cv2.resize(
            cv2.cvtColor(rgb_HW3, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA
        )
        grey: RGB = np.asarray(cv2.GaussianBlur(small, (5, 5), 1.0), np.uint8)
        number = self._frames.start + len(self._steps) + (self._key is not None)
        if self._key is None:
            self._begin(grey)
            return
        here = _Look(from_P2=self._corners, to_P2=self._places, is_there_P=self._found)
        self._follow(grey)
        there = _Look(from_P2=self._corners, to_P2=self._places, is_there_P=self._found)
        self._steps.append((here, there))
        if number % POSE_SEARCH_EVERY == 0 or 2 * self._found.sum() < len(self._found):
            self._begin(grey)

    def _begin(self, grey: RGB) -> None:
        """Make this frame the key."""
        found = cv2.goodFeaturesToTrack(grey, _POINTS, 0.01, 12)
        corners = np.zeros((0, 2)) if found is None else found.reshape(-1, 2)
        self._key, self._corners = grey, corners.astype(np.float32)
        self._places, self._found = self._corners.copy(), np.ones(len(corners), np.bool_)

    def _follow(self, grey: RGB) -> None:
        """Find the key's corners in the frame, starting where they last were."""
        assert self._key is not None
        if not len(self._corners):
            return
        places, found, error = cv2.calcOpticalFlowPyrLK(
            self._key, grey, self._corners, self._places.copy(),
            flags=cv2.OPTFLOW_USE_INITIAL_FLOW, **_FLOW,
        )  # fmt: skip
        inside = ((places >= 0) & (places < grey.shape[::-1])).all(axis=1)
        there = self._found & inside & (found.ravel() > 0) & (error.ravel() < 20)
        self._places = np.where(there[:, None], places, self._places)
        self._found = there

    def _in_full_size(self, before_33: Homographies, after_33: Homographies) -> Homographies:
        if np.array_equal(before_33, after_33):
            return np.eye(3)
        scaling = np.diag([self._scale, self._scale, 1.0])
        full = np.linalg.inv(before_33 @ scaling) @ after_33 @ scaling
        return np.asarray(full / full[2, 2])


def _alternating(values: Homographies) -> tuple[Homographies, Homographies]:
    return values[::2], values[1::2]


def _to_key(looks: list[_Look]) -> Homographies:
    """From each look's pixels to its key's, (B, 3, 3): the identity where nothing moved, NaN where
    too little was seen to tell."""
    here_BP2 = torch.zeros(len(looks), _POINTS, 2, dtype=torch.float64)
    key_BP2, weight_BP = here_BP2.clone(), here_BP2[:, :, 0].clone()
    for row, look in enumerate(looks):
        used_P = look.is_there_P
        weight_BP[row, : used_P.sum()] = torch.from_numpy(_common_motion(look))
        here_BP2[row, : used_P.sum()] = torch.from_numpy(look.to_P2[used_P])
        key_BP2[row, : used_P.sum()] = torch.from_numpy(look.from_P2[used_P])
    found_B33 = np.full((len(looks), 3, 3), np.nan)
    is_still_B = np.array([_is_still(look) for look in looks])
    enough_B = np.array([look.is_there_P.sum() >= _LEAST_POINTS for look in looks])
    if (moving_B := enough_B & ~is_still_B).any():
        solved = find_homography_dlt_iterated(here_BP2, key_BP2, weight_BP, _SOFT_INLIER_PX, 4)
        found_B33[moving_B] = solved.numpy()[moving_B]
    found_B33[enough_B & is_still_B] = np.eye(3)
    for row in np.flatnonzero(moving_B).tolist():
        found_B33[row] = _judged(found_B33[row], looks[row])
    return found_B33


def _common_motion(look: _Look) -> npt.NDArray[np.float64]:
    """How much each corner in use goes with most: in (0, 1]."""
    flow_P2 = (look.to_P2 - look.from_P2)[look.is_there_P].astype(np.float64)
    if not len(flow_P2):
        return np.zeros(0)
    off_P = np.linalg.norm(flow_P2 - np.median(flow_P2, axis=0), axis=1)
    usual = max(2 * float(np.median(off_P)), 1.0)
    return np.asarray(np.exp(-((off_P / usual) ** 2) / 2))


def _is_still(look: _Look) -> bool:
    moved_P = np.linalg.norm(look.to_P2 - look.from_P2, axis=1)[look.is_there_P]
    return not len(moved_P) or float(np.median(moved_P)) < STILL_PX


def _judged(found_33: Homographies, look: _Look) -> Homographies:
    """The homography; the identity where a camera that kept still explains the corners nearly as
    well, NaN where too few corners follow it, or it folds or blows up the picture."""
    if not np.isfinite(found_33).all() or not 0.5 < np.linalg.det(found_33[:2, :2]) < 2:
        return np.full((3, 3), np.nan)
    here_P2, key_P2 = (points[look.is_there_P] for points in (look.to_P2, look.from_P2))
    off_P = np.linalg.norm(apply_homography(found_33, here_P2) - key_P2, axis=1)
    moved_P = np.linalg.norm(here_P2 - key_P2, axis=1)
    if np.median(off_P) > _UNEXPLAINED * np.median(moved_P):
        return np.eye(3)
    agreeing = (off_P < 2 * _SOFT_INLIER_PX).mean() >= _LEAST_AGREEING
    return found_33 if agreeing else np.full((3, 3), np.nan)


def _inside_any(points_P2: Floats, boxes_M4: Floats) -> npt.NDArray[np.bool_]:
    inside_P = np.zeros(len(points_P2), np.bool_)
    for box_4 in boxes_M4:
        margin_2 = (box_4[2:] - box_4[:2]) * _BOX_MARGIN
        low, high = box_4[:2] - margin_2, box_4[2:] + margin_2
        inside_P |= ((points_P2 >= low) & (points_P2 <= high)).all(axis=1)
    return inside_P
