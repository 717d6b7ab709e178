"""Boxes and likeness of poses: hulls, overlaps, and which of several sightings are one person.

It does not know pictures or estimators.

Shape letters: M people, K joints, 2 = x and y, 4 = x0, y0, x1, y1 (pixels).
"""

import numpy as np
import numpy.typing as npt

from bodyswap.skeleton import Floats

SURE = 0.3
"""A joint less certain than this does not shape the person's box."""
_BODY_SHARE = 0.12
_LIKENESS_SIGMA = 0.12


def pose_box(keypoints_K2: Floats, confidence_K: Floats) -> Floats:
    """The hull of the certain joints, grown to take in hair, hands and feet."""
    sure_K = confidence_K >= SURE
    points = keypoints_K2[sure_K] if sure_K.sum() >= 2 else keypoints_K2
    low_2, high_2 = points.min(axis=0), points.max(axis=0)
    margin = _BODY_SHARE * float((high_2 - low_2).max()) + 1.0
    return np.concatenate([low_2 - margin, high_2 + margin]).astype(np.float32)


def likeness(
    keypoints_K2: Floats, confidence_K: Floats, other_K2: Floats, other_confidence_K: Floats
) -> float:
    """How much two poses are the same person's: COCO's object keypoint similarity in spirit.

    1 where every joint certain in both coincides, falling off over an eighth of the person's size.
    """
    both_K = (confidence_K >= SURE) & (other_confidence_K >= SURE)
    if not both_K.any():
        return 0.0
    size = max(_side(pose_box(keypoints_K2, confidence_K)), 1.0)
    away_K = np.linalg.norm(keypoints_K2 - other_K2, axis=1)[both_K] / (size * _LIKENESS_SIGMA)
    return float(np.exp(-0.5 * away_K**2).mean())


def box_overlap(first_4: Floats, second_4: Floats) -> float:
    """Intersection over union."""
    low = np.maximum(first_4[:2], second_4[:2])
    high = np.minimum(first_4[2:], second_4[2:])
    shared = float(np.prod((high - low).clip(min=0)))
    return shared / max(_area(first_4) + _area(second_4) - shared, 1e-6)


def distinct_people(
    keypoints_MK2: Floats, confidence_MK: Floats, score_M: Floats
) -> npt.NDArray[np.int64]:
    """Indices of the best sighting of each person, best first."""
    kept: list[int] = []
    for index in np.argsort(-score_M, kind="stable"):
        if not any(_same_person(keypoints_MK2, confidence_MK, int(index), one) for one in kept):
            kept.append(int(index))
    return np.array(kept, dtype=np.int64)


def _same_person(keypoints_MK2: Floats, confidence_MK: Floats, one: int, other: int) -> bool:
    first, second = (
        (keypoints_MK2[one], confidence_MK[one]),
        (
            keypoints_MK2[other],
            confidence_MK[other],
        ),
    )
    overlap = box_overlap(pose_box(*first), pose_box(*second))
    return overlap > 0.6 or likeness(*first, *second) > 0.4


def _side(box_4: Floats) -> float:
    return float((box_4[2:] - box_4[:2]).max())


def _area(box_4: Floats) -> float:
    return float(np.prod((box_4[2:] - box_4[:2]).clip(min=0)))
