"""What tells people apart in a shot's detections: where they are, how large, and how they look.

It does not decide who is who.

Shape letters: M detections, K joints, D appearance values, 2 = x and y, 4 = x0, y0, x1, y1, in
pixels.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bodyswap.keypoints.appearance import APPEARANCE_VALUES, appearance_weights
from bodyswap.keypoints.boxes import SURE
from bodyswap.people import Detections, Mask
from bodyswap.skeleton import Floats, Skeleton

Indices = npt.NDArray[np.int64]

LAB_SIGMA = 7.0
"""How far one person's colours stray from frame to frame, in Lab."""
_BONES = (
    ("shoulder", "hip", 0.29), ("hip", "knee", 0.245), ("knee", "ankle", 0.24),
    ("shoulder", "elbow", 0.16), ("elbow", "wrist", 0.15),
)  # fmt: skip
"""Each with its share of a person's height."""
_TORSO = tuple(f"{side}_{joint}" for side in ("left", "right") for joint in ("shoulder", "hip"))
_DOUBLE_APART = 0.06
_CLEAR_OVERLAP = 0.2


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Each detection's facts. Heights are a standing person's, as the longest bones tell."""

    frame_M: Indices
    keypoints_MK2: Floats
    confidence_MK: Floats
    box_M4: Floats
    centre_M2: Floats
    height_M: Floats
    look_MD: Floats
    is_clear_M: Mask

    @classmethod
    def of(cls, detections: Detections) -> "Evidence":
        keypoints, confidence = detections.keypoints_MK2, detections.confidence_MK
        box, count = detections.box_M4, len(detections.frame_M)
        look = detections.appearance_MD
        return cls(
            frame_M=detections.frame_M,
            keypoints_MK2=keypoints,
            confidence_MK=confidence,
            box_M4=box,
            centre_M2=_centres(keypoints, confidence, box, detections.skeleton),
            height_M=_heights(keypoints, confidence, box, detections.skeleton),
            look_MD=np.full((count, APPEARANCE_VALUES), np.nan, np.float32)
            if look is None
            else look,
            is_clear_M=_clear(detections.frame_M, box),
        )

    def apart(self, one: int, other: int) -> float:
        """Mean distance, in heights, of the joints that both show; infinite where there is none."""
        weight_K = np.minimum(self.confidence_MK[one], self.confidence_MK[other])
        weight_K = weight_K * (weight_K >= SURE)
        if weight_K.sum() <= 0:
            return np.inf
        away_K = np.linalg.norm(self.keypoints_MK2[one] - self.keypoints_MK2[other], axis=1)
        height = max(self.height_M[one], self.height_M[other])
        return float((away_K * weight_K).sum() / weight_K.sum() / height)

    def frames(self) -> list[Indices]:
        """The people of each frame in time, without doubles, from left to right."""
        order = np.lexsort((self.box_M4[:, 1], self.box_M4[:, 0], self.frame_M))
        starts = np.flatnonzero(np.diff(self.frame_M[order])) + 1
        return [self._distinct(part) for part in np.split(order, starts) if len(part)]

    def _distinct(self, members: Indices) -> Indices:
        """Without sightings whose joints lie on a surer one's: one body was seen twice."""
        surest = members[np.argsort(-self.confidence_MK[members].mean(axis=1), kind="stable")]
        kept: list[int] = []
        for one in surest.tolist():
            if all(self.apart(one, other) > _DOUBLE_APART for other in kept):
                kept.append(one)
        return members[np.isin(members, kept)]


def look_distance(first_D: Floats, second_D: Floats, spread_D: Floats | None = None) -> float:
    """Mean squared difference of two looks in their sigmas; NaN where they share too little."""
    off_D = first_D - second_D
    known_D = ~np.isnan(off_D)
    weight_D = appearance_weights() * known_D
    if known_D.sum() < 6:
        return np.nan
    sigma_D = LAB_SIGMA if spread_D is None else np.hypot(LAB_SIGMA, spread_D)
    square_D = np.where(known_D, (off_D / sigma_D) ** 2, 0)
    return float((weight_D * square_D).sum() / weight_D.sum())


def _centres(
    keypoints_MK2: Floats, confidence_MK: Floats, box_M4: Floats, skeleton: Skeleton
) -> Floats:
    """The middle of the torso; of the box where none of it is sure."""
    torso = [skeleton.joint(name) for name in _TORSO]
    weight_MK = confidence_MK[:, torso] * (confidence_MK[:, torso] >= SURE)
    total_M1 = weight_MK.sum(axis=1, keepdims=True)
    mean_M2 = (keypoints_MK2[:, torso] * weight_MK[..., None]).sum(axis=1)
    middle_M2 = (box_M4[:, :2] + box_M4[:, 2:]) / 2
    centre_M2 = np.where(total_M1 > 0, mean_M2 / np.maximum(total_M1, 1e-6), middle_M2)
    return np.asarray(centre_M2, np.float32)


def _heights(
    keypoints_MK2: Floats, confidence_MK: Floats, box_M4: Floats, skeleton: Skeleton
) -> Floats:
    """What the bones that are least foreshortened tell of the height; never less than a pixel."""
    names = [(side, *bone) for side in ("left", "right") for bone in _BONES]
    first = [skeleton.joint(f"{side}_{name}") for side, name, _, _ in names]
    last = [skeleton.joint(f"{side}_{name}") for side, _, name, _ in names]
    share = np.array([bone[3] for bone in names])
    length = np.linalg.norm(keypoints_MK2[:, first] - keypoints_MK2[:, last], axis=2) / share
    sure = np.minimum(confidence_MK[:, first], confidence_MK[:, last]) >= SURE
    ordered = -np.sort(-np.where(sure, length, 0), axis=1)
    side_M = (box_M4[:, 2:] - box_M4[:, :2]).max(axis=1, initial=1.0)
    told_M = np.where(sure.sum(axis=1) >= 4, ordered[:, 2], side_M)
    return np.asarray(np.maximum(told_M, 1.0), np.float32)


def _clear(frame_M: Indices, box_M4: Floats) -> Mask:
    """Whether no other person's box lies over much of theirs."""
    clear = np.ones(len(frame_M), np.bool_)
    for frame in np.unique(frame_M):
        members = np.flatnonzero(frame_M == frame)
        if len(members) < 2:
            continue
        box = box_M4[members]
        low = np.maximum(box[:, None, :2], box[None, :, :2])
        high = np.minimum(box[:, None, 2:], box[None, :, 2:])
        shared = (high - low).clip(min=0).prod(axis=2)
        np.fill_diagonal(shared, 0)
        area = np.maximum((box[:, 2:] - box[:, :2]).prod(axis=1), 1)
        clear[members] = shared.max(axis=1) / area < _CLEAR_OVERLAP
    return clear
