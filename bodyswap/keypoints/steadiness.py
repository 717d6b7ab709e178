"""Steadiness: what a smoothing took away, jitter, and what it must not, speed.

It does not know how the poses were smoothed.

Shape letters: N frames, K joints, 2 = x and y in pixels.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bodyswap.people import Mask, PoseSequence
from bodyswap.skeleton import Floats

Floats64 = npt.NDArray[np.float64]

LIMB_ENDS = ("left_wrist", "right_wrist", "left_ankle", "right_ankle")
SPEED_OVER_S = 0.1
"""Speeds are taken over this long, so that jitter does not pass for speed."""
_SURE = 0.6
"""Speeds between less certain sightings are errors as often as not."""
_PEAK = 98
"""The percentile of its speeds that counts as a joint's peak."""


@dataclass(frozen=True, kw_only=True)
class Steadiness:
    """Before against after. Jitter is the typical joint's, as the deviation of white noise that
    would tremble as much; the share is of its energy, and peak speeds are after over before."""

    jitter_before_px: float
    jitter_after_px: float
    jitter_removed: float
    peak_speed_kept: dict[str, float]


def compare_steadiness(before: PoseSequence, after: PoseSequence, times_s: Floats64) -> Steadiness:
    """What became of the jitter of joints that were seen, and of the peak speed of each limb."""
    seen_NK = before.confidence_NK > 0
    if before.filled_NK is not None:
        seen_NK = seen_NK & ~before.filled_NK
    trembles = [_trembling(poses.keypoints_NK2, seen_NK) for poses in (before, after)]
    energies = [float(np.square(tremble).sum()) for tremble in trembles]
    was_px, is_px = (_deviation(tremble) for tremble in trembles)
    return Steadiness(
        jitter_before_px=was_px,
        jitter_after_px=is_px,
        jitter_removed=1 - energies[1] / energies[0] if energies[0] > 0 else 0.0,
        peak_speed_kept=_peaks_kept(before, after, seen_NK, times_s),
    )


def _trembling(keypoints_NK2: Floats, seen_NK: Mask) -> Floats64:
    """Third differences, which leave little of a motion, scaled to deviate as much as noise."""
    if len(seen_NK) < 4:
        return np.zeros((0, 2))
    in_a_row = seen_NK[3:] & seen_NK[2:-1] & seen_NK[1:-2] & seen_NK[:-3]
    third = np.diff(keypoints_NK2.astype(np.float64), n=3, axis=0) / np.sqrt(20)
    return np.asarray(third[in_a_row], np.float64)


def _deviation(tremble: Floats64) -> float:
    """Of white noise whose three calmer quarters are like these; sightings come on a grid, whose
    steps the median may fall between."""
    return float(np.percentile(np.abs(tremble), 75)) / 1.1503 if tremble.size else 0.0


def _peaks_kept(
    before: PoseSequence, after: PoseSequence, seen_NK: Mask, times_s: Floats64
) -> dict[str, float]:
    kept = {}
    sure_NK = seen_NK & (before.confidence_NK >= _SURE)
    for name in LIMB_ENDS:
        joint = before.skeleton.joint(name)
        was, now = (
            peak_speed(poses.keypoints_NK2[:, joint], sure_NK[:, joint], times_s)
            for poses in (before, after)
        )
        if was > 0:
            kept[name] = now / was
    return kept


def peak_speed(
    path_N2: Floats, seen_N: Mask, times_s: Floats64, *, over_s: float = SPEED_OVER_S
) -> float:
    """A joint's peak speed in pixels a second; 0 where it was not seen for long enough."""
    if len(times_s) < 2:
        return 0.0
    apart = max(1, round(over_s / float(np.median(np.diff(times_s)))))
    way = np.linalg.norm(path_N2[apart:] - path_N2[:-apart], axis=1)
    speeds = way / (times_s[apart:] - times_s[:-apart])
    both = seen_N[apart:] & seen_N[:-apart]
    return float(np.percentile(speeds[both], _PEAK)) if both.any() else 0.0
