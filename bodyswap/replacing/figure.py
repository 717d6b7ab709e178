"""Figure: how far from a person each pixel of a picture is, told by their pose.

It does not know pixels' colours. Distance is in limbs' own half-widths: 1 is about where clothing
ends. Shape letters: H rows, W columns, K joints, 2 = x and y in pixels.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from bodyswap.frames import Matte
from bodyswap.skeleton import Floats, Part, Skeleton

FARTHEST = 4.0
"""Distances are told up to here."""
_LIMB, _TRUNK, _HEAD = 0.21, 0.36, 0.36
"""Half-widths, in torsos, loose clothing and hair within them."""
_SHARE = {Part.BODY: 1.0, Part.FEET: 0.7, Part.FACE: 0.5, Part.LEFT_HAND: 0.4, Part.RIGHT_HAND: 0.4}
_TO_CROWN = 0.35
"""How far hair is above the face, as a share of how far that is above the shoulders."""
_BEYOND_WRIST = 0.5
"""How much of the forearm's length a hand reaches beyond the wrist; feet beyond ankles alike."""


@dataclass(frozen=True, kw_only=True)
class Capsule:
    """A segment between two points, and how far around it a person reaches, in pixels."""

    start_2: Floats
    end_2: Floats
    radius_px: float


def distance_to(
    keypoints_K2: Floats,
    confidence_K: Floats,
    skeleton: Skeleton,
    *,
    torso_px: float,
    height: int,
    width: int,
) -> Matte:
    """Each pixel's distance from the person, in half-widths of their nearest limb, (H, W).

    Where no joint is there, every pixel is as far away as can be told.
    """
    nearest_HW = np.full((height, width), FARTHEST, np.float32)
    for capsule in _capsules(keypoints_K2, confidence_K, skeleton, torso_px):
        _draw(nearest_HW, capsule)
    return nearest_HW


def _capsules(
    keypoints_K2: Floats, confidence_K: Floats, skeleton: Skeleton, torso_px: float
) -> Iterator[Capsule]:
    there_K = confidence_K > 0
    trunk = {skeleton.joint(f"{side}_{name}") for side in ("left", "right")
             for name in ("shoulder", "hip")}  # fmt: skip
    for (start, end), part in zip(skeleton.limb_indices, skeleton.parts_of_limbs, strict=True):
        if there_K[start] and there_K[end]:
            share = _TRUNK if {start, end} <= trunk else _LIMB * _SHARE[part]
            yield Capsule(start_2=keypoints_K2[start], end_2=keypoints_K2[end],
                          radius_px=share * torso_px)  # fmt: skip
    if there_K[list(trunk)].all():
        yield from _chest(keypoints_K2, skeleton, torso_px)
    yield from _ends(keypoints_K2, there_K, skeleton, torso_px)
    yield from _head(keypoints_K2, there_K, skeleton, torso_px)


def _chest(keypoints_K2: Floats, skeleton: Skeleton, torso_px: float) -> Iterator[Capsule]:
    """Down the middle, where a broad trunk is far from all four of its sides."""
    shoulders, hips = (
        keypoints_K2[[skeleton.joint(f"{side}_{name}") for side in ("left", "right")]].mean(axis=0)
        for name in ("shoulder", "hip")
    )
    yield Capsule(start_2=shoulders, end_2=hips, radius_px=_TRUNK * torso_px)


def _head(
    keypoints_K2: Floats, there_K: np.ndarray, skeleton: Skeleton, torso_px: float
) -> Iterator[Capsule]:
    """From the face up to where hair is, which no joint tells of."""
    head = skeleton.those_of(("nose", "left_ear", "right_ear"))
    if not (seen := [joint for joint in head if there_K[joint]]):
        return
    face_2 = crown_2 = keypoints_K2[seen].mean(axis=0)
    shoulders = [skeleton.joint(f"{side}_shoulder") for side in ("left", "right")]
    if there_K[shoulders].all():
        crown_2 = face_2 + _TO_CROWN * (face_2 - keypoints_K2[shoulders].mean(axis=0))
    yield Capsule(start_2=face_2, end_2=crown_2, radius_px=_HEAD * torso_px)


def _ends(
    keypoints_K2: Floats, there_K: np.ndarray, skeleton: Skeleton, torso_px: float
) -> Iterator[Capsule]:
    """Hands and feet that the skeleton has no joints for."""
    for side in ("left", "right"):
        for name, before in (("wrist", "elbow"), ("ankle", "knee")):
            start, end = skeleton.joint(f"{side}_{before}"), skeleton.joint(f"{side}_{name}")
            if not (there_K[start] and there_K[end]):
                continue
            joint_2 = keypoints_K2[end]
            if name == "wrist":
                tip_2 = joint_2 + _BEYOND_WRIST * (joint_2 - keypoints_K2[start])
                yield Capsule(start_2=joint_2, end_2=tip_2, radius_px=_LIMB * torso_px)
            else:
                yield Capsule(start_2=joint_2, end_2=joint_2, radius_px=2 * _LIMB * torso_px)


def _draw(nearest_HW: Matte, capsule: Capsule) -> None:
    """Take the capsule into the distances, in the window that it reaches."""
    reach = capsule.radius_px * FARTHEST
    ends_22 = np.stack([capsule.start_2, capsule.end_2]).astype(np.float64)
    height, width = nearest_HW.shape
    left, top = np.maximum(np.floor(ends_22.min(axis=0) - reach), 0).astype(int)
    right, bottom = np.ceil(ends_22.max(axis=0) + reach).astype(int) + 1
    right, bottom = min(int(right), width), min(int(bottom), height)
    if left >= right or top >= bottom:
        return
    y_HW, x_HW = np.mgrid[top:bottom, left:right].astype(np.float32)
    along_2 = (ends_22[1] - ends_22[0]).astype(np.float32)
    from_x, from_y = x_HW - np.float32(ends_22[0, 0]), y_HW - np.float32(ends_22[0, 1])
    squared = float(along_2 @ along_2)
    share_HW = np.zeros_like(from_x)
    if squared > 0:
        share_HW = ((from_x * along_2[0] + from_y * along_2[1]) / squared).clip(0, 1)
    distance_HW = cv2.magnitude(from_x - share_HW * along_2[0], from_y - share_HW * along_2[1])
    window = nearest_HW[top:bottom, left:right]
    np.minimum(window, distance_HW / capsule.radius_px, out=window)
