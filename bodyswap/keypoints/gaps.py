"""Gaps: joints unseen for a moment are filled from before and after; longer ones stay absent.

It does not know why a joint was not seen. What was before the first sighting or after the last is
never made up.

Shape letters: N frames, K joints, G frames of a gap, S sightings near it, 2 = x and y in pixels.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from bodyswap.people import PoseSequence

Floats64 = npt.NDArray[np.float64]

_VELOCITY_FROM_S = 0.1
"""How far from a gap sightings tell the velocity at its end."""
_TRUST_IN_VELOCITY = 0.7
"""The rest is the mean velocity over the gap. Found on the stage: see tests/keypoints/test_gaps."""
_ROUNDING_S = 1e-6


def fill_gaps(poses: PoseSequence, times_s: Floats64, longest_s: float) -> PoseSequence:
    """Fill every joint where it is unseen for at most `longest_s`, at half the confidence.

    `times_s` (N) is when each frame is shown: in footage of variable rate, a gap of few frames may
    be long. A cubic through both ends goes on at the velocity the joint had before, and arrives at
    the one it has after.
    """
    keypoints, confidence = poses.keypoints_NK2.copy(), poses.confidence_NK.copy()
    filled_NK = np.zeros(confidence.shape, np.bool_)
    for joint in range(confidence.shape[1]):
        weight_N = poses.confidence_NK[:, joint]
        known = np.flatnonzero(weight_N > 0)
        for before, after in pairwise(known.tolist()):
            unseen_s = times_s[after] - times_s[before + 1]
            if after == before + 1 or unseen_s > longest_s + _ROUNDING_S:
                continue
            inside = slice(before + 1, after)
            path_N2 = poses.keypoints_NK2[:, joint].astype(np.float64)
            keypoints[inside, joint] = _bridge(path_N2, weight_N, times_s, before, after)
            confidence[inside, joint] = 0.5 * min(weight_N[[before, after]])
            filled_NK[inside, joint] = True
    return replace(poses, keypoints_NK2=keypoints, confidence_NK=confidence, filled_NK=filled_NK)


def _bridge(
    path_N2: Floats64, weight_N: npt.NDArray[np.float32], times_s: Floats64, before: int, after: int
) -> Floats64:
    """The path between two sightings (G, 2): a cubic Hermite curve."""
    start, end = path_N2[before], path_N2[after]
    span = times_s[after] - times_s[before]
    share = ((times_s[before + 1 : after] - times_s[before]) / span)[:, None]
    leave, arrive = (
        span * _velocity(path_N2, weight_N, times_s, at, towards, (end - start) / span)
        for at, towards in ((before, -1), (after, 1))
    )
    rise = share * share * (3 - 2 * share)
    bend = share * (1 - share)
    return np.asarray(
        start + rise * (end - start) + bend * ((1 - share) * leave - share * arrive), np.float64
    )


def _velocity(
    path_N2: Floats64,
    weight_N: npt.NDArray[np.float32],
    times_s: Floats64,
    at: int,
    towards: int,
    mean_2: Floats64,
) -> Floats64:
    """Pixels a second at a gap's end: the line through the sightings nearby, drawn to the mean."""
    reach = [at]
    while (
        0 <= reach[-1] + towards < len(times_s)
        and weight_N[reach[-1] + towards] > 0
        and abs(times_s[reach[-1] + towards] - times_s[at]) <= _VELOCITY_FROM_S + _ROUNDING_S
    ):
        reach.append(reach[-1] + towards)
    if len(reach) < 2:
        return mean_2
    weight_S1 = weight_N[reach].astype(np.float64)[:, None] ** 4
    times_S1 = times_s[reach][:, None]
    away_S1 = times_S1 - (weight_S1 * times_S1).sum() / weight_S1.sum()
    slope = (weight_S1 * away_S1 * path_N2[reach]).sum(axis=0) / (weight_S1 * away_S1**2).sum()
    return np.asarray(mean_2 + _TRUST_IN_VELOCITY * (slope - mean_2), np.float64)
