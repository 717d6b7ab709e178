"""Appearance: a few colours by which people in one shot can be told apart.

It does not know who is who, nor time. Each part of the body gives its median colour in CIE Lab over
points sampled along and across it: medians, since a hand, a badge or a strip of background may lie
on some of them; both sides of the body together, since either may be turned away. Colour survives
another pose; how bright the light is changes lightness most, which therefore counts less.

Shape letters: M people of one frame, K joints, P parts, B bones (two a part), S points on a bone
or a part, D = 3 P values (lightness, a, b of each part), H rows, W columns.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bodyswap.frames import RGB
from bodyswap.keypoints.boxes import SURE
from bodyswap.people import Mask
from bodyswap.skeleton import Floats, Skeleton

Indices = npt.NDArray[np.int64]

_ALONG = np.linspace(0.2, 0.8, 7)
_LIGHTNESS_WEIGHT = 0.5
_LEAST_POINTS = 4


@dataclass(frozen=True, kw_only=True)
class _Part:
    """Two bones that show one colour; sampled over `girth` of their length to either side."""

    bones: tuple[tuple[str, str], tuple[str, str]]
    girth: float


_PARTS = (
    _Part(bones=(("left_ear", "right_ear"), ("left_eye", "right_eye")), girth=0.3),
    _Part(bones=(("left_shoulder", "right_hip"), ("right_shoulder", "left_hip")), girth=0.05),
    _Part(bones=(("left_shoulder", "left_elbow"), ("right_shoulder", "right_elbow")), girth=0.06),
    _Part(bones=(("left_elbow", "left_wrist"), ("right_elbow", "right_wrist")), girth=0.05),
    _Part(bones=(("left_hip", "left_knee"), ("right_hip", "right_knee")), girth=0.08),
    _Part(bones=(("left_knee", "left_ankle"), ("right_knee", "right_ankle")), girth=0.06),
)
APPEARANCE_VALUES = 3 * len(_PARTS)


def describe_people(
    rgb_HW3: RGB, keypoints_MK2: Floats, confidence_MK: Floats, skeleton: Skeleton
) -> Floats:
    """Everybody's colours, (M, D); NaN for parts that are not seen or lie outside the frame, and
    for those that the skeleton has no joints of."""
    count = len(keypoints_MK2)
    if not count:
        return np.zeros((0, APPEARANCE_VALUES), np.float32)
    first_B, last_B, girth_B, had_B = _bones(skeleton)
    points_MBS2 = _points(keypoints_MK2[:, first_B], keypoints_MK2[:, last_B], girth_B)
    sure_MB = np.minimum(confidence_MK[:, first_B], confidence_MK[:, last_B]) >= SURE
    sure_MB &= had_B
    height, width = rgb_HW3.shape[:2]
    in_frame = (points_MBS2 >= 0) & (points_MBS2 <= np.array([width - 1, height - 1]))
    inside_MBS: Mask = np.asarray(in_frame.all(axis=3))
    seen_MPS = (inside_MBS & sure_MB[:, :, None]).reshape(count, len(_PARTS), -1)
    pixel = np.where(inside_MBS[..., None], np.rint(points_MBS2), 0).astype(np.int64)
    colours = rgb_HW3[pixel[..., 1], pixel[..., 0]].reshape(count, -1, 3).astype(np.float32) / 255
    lab = cv2.cvtColor(colours, cv2.COLOR_RGB2LAB).reshape(*seen_MPS.shape, 3)
    return _medians(np.asarray(lab, np.float32), seen_MPS).reshape(count, APPEARANCE_VALUES)


def appearance_weights() -> Floats:
    """How much each of the D values counts where two people are compared."""
    return np.tile([_LIGHTNESS_WEIGHT, 1.0, 1.0], len(_PARTS)).astype(np.float32)


def _bones(skeleton: Skeleton) -> tuple[Indices, Indices, Floats, Mask]:
    """First and last joint and girth of every part's two bones, part by part, and whether the
    skeleton has both joints; the first joint stands for those it has not."""
    bones = [bone for part in _PARTS for bone in part.bones]
    had_B = np.array([len(skeleton.those_of(bone)) == 2 for bone in bones])
    ends_B2 = np.array([skeleton.those_of(bone) if had else (0, 0)
                        for bone, had in zip(bones, had_B, strict=True)])  # fmt: skip
    girth_B = np.array([part.girth for part in _PARTS for _ in part.bones], np.float32)
    return ends_B2[:, 0], ends_B2[:, 1], girth_B, had_B


def _points(first_MB2: Floats, last_MB2: Floats, girth_B: Floats) -> Floats:
    """Points (M, B, S, 2) on bones: along each, on its axis and to both sides."""
    along_MB2 = last_MB2 - first_MB2
    turned_MB2 = np.stack([-along_MB2[..., 1], along_MB2[..., 0]], axis=-1)
    across_MB2 = turned_MB2 * girth_B[:, None]
    axis = first_MB2[:, :, None] + along_MB2[:, :, None] * _ALONG[:, None]
    sides = [axis + across_MB2[:, :, None] * side for side in (-1, 0, 1)]
    return np.asarray(np.concatenate(sides, axis=2), np.float32)


def _medians(lab_MPS3: Floats, seen_MPS: Mask) -> Floats:
    """The (lower) median of the points seen, (M, P, 3); NaN where too few are."""
    ordered = np.sort(np.where(seen_MPS[..., None], lab_MPS3, np.inf), axis=2)
    count_MP = seen_MPS.sum(axis=2)
    middle_MP11 = (np.maximum(count_MP - 1, 0) // 2)[:, :, None, None]
    median_MP3 = np.take_along_axis(ordered, middle_MP11, axis=2)[:, :, 0]
    enough = (count_MP >= _LEAST_POINTS)[:, :, None]
    return np.where(enough, median_MP3, np.nan).astype(np.float32)
