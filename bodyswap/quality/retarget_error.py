"""How far a retargeted pose is from the truth: joints, limb lengths, and feet on the floor.

It does not know how it was retargeted.
Shape letters: N frames, K joints, 2 = x and y in pixels, 3 = metres.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bodyswap.skeleton import Floats, Skeleton

Mask = npt.NDArray[np.bool_]

STILL_M_PER_S = 0.25
"""A foot slower than this, in the world, is planted."""
ON_FLOOR_M = 0.16
"""An ankle lower than this, above the floor, may be."""
SHORTEST_PLANT_FRAMES = 4
_FEET = ("left_ankle", "right_ankle")
_LIMBS = (
    ("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RetargetError:
    """Errors of a shot. Percentages are of the subject's height in the picture.

    `joints` is the mean distance of a joint from its truth, `placed_joints` the same once the
    shot's mean offset is gone; `limbs` the mean difference of a limb's length in the picture;
    `feet_y` how far planted feet stand above or below the truth. `slide_px` is how far a planted
    foot wanders, `true_slide_px` how far it does in truth.
    """

    joints: float
    placed_joints: float
    limbs: float
    feet_y: float
    slide_px: float
    true_slide_px: float


def retarget_error(
    found_NK2: Floats,
    truth_NK2: Floats,
    planted_N2: Mask,
    *,
    skeleton: Skeleton,
    person_height_px: float,
) -> RetargetError:
    """The errors of `found_NK2`; `planted_N2` says when the left and the right foot stood."""
    percent = 100 / person_height_px
    away_NK2 = found_NK2 - truth_NK2
    placed_NK2 = away_NK2 - away_NK2.mean(axis=(0, 1))
    feet = [skeleton.joint(name) for name in _FEET]
    stood_N2 = np.abs(away_NK2[:, feet, 1])[planted_N2]
    return RetargetError(
        joints=float(np.linalg.norm(away_NK2, axis=2).mean() * percent),
        placed_joints=float(np.linalg.norm(placed_NK2, axis=2).mean() * percent),
        limbs=_limb_error(found_NK2, truth_NK2, skeleton) * percent,
        feet_y=float(stood_N2.mean() * percent) if stood_N2.size else 0.0,
        slide_px=foot_slide_px(found_NK2[:, feet], planted_N2),
        true_slide_px=foot_slide_px(truth_NK2[:, feet], planted_N2),
    )


def foot_slide_px(feet_N22: Floats, planted_N2: Mask) -> float:
    """How far a planted foot wanders: the diagonal of where it was, mean over all plants."""
    wandered = [
        float(np.linalg.norm(np.ptp(feet_N22[start:stop, side], axis=0)))
        for side in (0, 1)
        for start, stop in runs(planted_N2[:, side])
        if stop - start >= SHORTEST_PLANT_FRAMES
    ]
    return float(np.mean(wandered)) if wandered else 0.0


def planted_feet(joints_NK3: npt.NDArray[np.float64], skeleton: Skeleton, rate: float) -> Mask:
    """When the left and the right foot stand still on the floor in the world, (N, 2)."""
    feet_N23 = joints_NK3[:, [skeleton.joint(name) for name in _FEET]]
    speed_N2 = np.linalg.norm(np.gradient(feet_N23, axis=0), axis=2) * rate
    return np.asarray((speed_N2 < STILL_M_PER_S) & (feet_N23[:, :, 1] < ON_FLOOR_M))


def runs(mask_N: Mask) -> Iterator[tuple[int, int]]:
    """Where the mask is true without a break, half-open."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask_N, [False]]).astype(int)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _limb_error(found_NK2: Floats, truth_NK2: Floats, skeleton: Skeleton) -> float:
    differences = []
    for start, end in _LIMBS:
        for side in ("left", "right"):
            pair = skeleton.joint(f"{side}_{start}"), skeleton.joint(f"{side}_{end}")
            lengths = [
                np.linalg.norm(points[:, pair[1]] - points[:, pair[0]], axis=1)
                for points in (found_NK2, truth_NK2)
            ]
            differences.append(np.abs(lengths[0] - lengths[1]).mean())
    return float(np.mean(differences))
