"""PCK: the share of joints found within a fifth of the torso.

It does not know networks: places in, figures out.

Shape letters: N samples, K joints, 2 = x and y.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bodyswap.skeleton import COCO_17, Floats

TORSO_SHARE = 0.2


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """PCK@0.2 over all counted joints, and for each joint (nan where none was counted)."""

    pck: float
    pck_K: Floats
    joints: int


def torso_lengths(keypoints_NK2: Floats) -> Floats:
    """The longer distance from a shoulder to the opposite hip, for each sample.

    A joint nobody marked is nan; so is the length where neither distance can be taken.
    """
    left, right = COCO_17.joint("left_shoulder"), COCO_17.joint("right_shoulder")
    left_hip, right_hip = COCO_17.joint("left_hip"), COCO_17.joint("right_hip")
    across = keypoints_NK2[:, [left, right]] - keypoints_NK2[:, [right_hip, left_hip]]
    return np.asarray(np.fmax(*np.linalg.norm(across, axis=2).T), dtype=np.float32)


def measure_pck(found_NK2: Floats, true_NK2: Floats, counted_NK: npt.NDArray[np.bool_]) -> Accuracy:
    """PCK@0.2 of the torso over the joints that count."""
    away_NK = np.linalg.norm(found_NK2 - true_NK2, axis=2)
    right_NK = away_NK <= TORSO_SHARE * torso_lengths(true_NK2)[:, None]
    counted_K = counted_NK.sum(axis=0)
    with np.errstate(invalid="ignore"):
        pck_K = (right_NK & counted_NK).sum(axis=0) / counted_K
    total = int(counted_K.sum())
    share = float((right_NK & counted_NK).sum() / total) if total else float("nan")
    return Accuracy(pck=share, pck_K=pck_K.astype(np.float32), joints=total)
