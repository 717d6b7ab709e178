"""Smoothing: jitter out, impacts kept, over a whole shot at once and without lag.

The path of each joint is the likeliest one, given how noisy it was seen and how people move: the
fixed-interval smoother (Rauch, Tung and Striebel, 1965) of a body whose acceleration wanders,
solved as one least-squares problem (Bell, SIAM J. Optim. 1994). Two things keep it from smearing a
kick. Sudden changes of acceleration cost their size, not its square (Huber), so a snap or a landing
is believed where the sightings speak for it. And a sighting weighs by how certain it is, against
the noise measured on that joint in this shot: what was seen well is hardly touched.

It does not know whose poses they are, nor streams: `one_euro` smooths those.

Shape letters: N frames of a run, K joints, 2 = x and y in pixels.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.linalg import solveh_banded

from bodyswap.keypoints.body_size import torso_px
from bodyswap.people import PoseSequence

Floats64 = npt.NDArray[np.float64]

USUAL_STRENGTH_S = 0.1
_JERK = 150.0
"""How much the acceleration of a joint wanders, torso lengths / s^2.5, at the usual strength."""
_SUDDEN = 0.7
"""Jerks beyond this many usual ones are sudden."""
_FAR_OFF = 3.0
"""Sightings beyond this many standard deviations off the path lose weight."""
_LEAST_NOISE = 0.004
"""Torso lengths: nobody places a joint more exactly."""
_LEAST_SURE = 0.1
_ROUNDS = 15
_SETTLED_PX = 0.02


def smooth(
    poses: PoseSequence, times_s: Floats64, strength_s: float = USUAL_STRENGTH_S
) -> PoseSequence:
    """The poses without their jitter; joints that are absent, and gaps, are left as they are.

    `times_s` (N) is when each frame is shown; twice the strength smooths over twice the time, and
    0 not at all.
    """
    if strength_s <= 0:
        return poses
    torso = torso_px(poses)
    jerk_px = torso * _JERK * (USUAL_STRENGTH_S / strength_s) ** 2.5
    keypoints = poses.keypoints_NK2.copy()
    weight_NK = np.where(poses.confidence_NK > 0, _certainty(poses), 0.0)
    if poses.filled_NK is not None:
        weight_NK[poses.filled_NK] = 0.0
    for joint in range(keypoints.shape[1]):
        for start, stop in _runs(poses.confidence_NK[:, joint] > 0):
            part = slice(start, stop)
            path_N2 = keypoints[part, joint].astype(np.float64)
            noise_px = max(_noise(path_N2, weight_NK[part, joint]), _LEAST_NOISE * torso)
            weight_N = weight_NK[part, joint] / noise_px**2
            keypoints[part, joint] = _likeliest(path_N2, weight_N, times_s[part], jerk_px)
    return replace(poses, keypoints_NK2=keypoints)


def _certainty(poses: PoseSequence) -> Floats64:
    """Inverse variances, of a sure joint's: on the stage, noise falls as confidence squared."""
    return np.asarray(poses.confidence_NK.astype(np.float64).clip(_LEAST_SURE, 1) ** 4, np.float64)


def _runs(is_there_N: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Half-open runs long enough to be smoothed."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_there_N, [0]])))
    runs = zip(edges[0::2].tolist(), edges[1::2].tolist(), strict=True)
    return [(start, stop) for start, stop in runs if stop - start > 3]


def _noise(path_N2: Floats64, weight_N: Floats64) -> float:
    """The deviation of a sure sighting: what third differences have that motion has not."""
    known = np.flatnonzero(weight_N > 0)
    if len(known) < 4:
        return 0.0
    variance = 1 / weight_N[known]
    binomials = np.array([1.0, 9.0, 9.0, 1.0])
    expected = np.sqrt(np.convolve(variance, binomials, mode="valid"))
    third = np.abs(np.diff(path_N2[known], n=3, axis=0)) / expected[:, None]
    return float(np.median(third) / 0.6745)


def _likeliest(
    seen_N2: Floats64, weight_N: Floats64, times_s: Floats64, jerk_px: float
) -> Floats64:
    """Iteratively reweighted least squares; weights are inverse variances in pixels."""
    if np.count_nonzero(weight_N) < 3:
        return seen_N2
    rows_M4 = _jerk_rows(times_s) / jerk_px
    path_N2, sighting_N, calm_M = seen_N2, weight_N, np.ones(len(rows_M4))
    for _ in range(_ROUNDS):
        before_N2 = path_N2
        path_N2 = _solve(seen_N2, sighting_N, rows_M4, calm_M)
        if np.abs(path_N2 - before_N2).max() < _SETTLED_PX:
            break
        jerk_M = np.linalg.norm(_applied(rows_M4, path_N2), axis=1)
        calm_M = np.minimum(1, _SUDDEN / np.maximum(jerk_M, 1e-9))
        off_N = np.linalg.norm(seen_N2 - path_N2, axis=1) * np.sqrt(weight_N)
        sighting_N = weight_N * np.minimum(1, _FAR_OFF / np.maximum(off_N, 1e-9))
    return path_N2


def _jerk_rows(times_s: Floats64) -> Floats64:
    """What four frames in a row say of the jerk, of unit variance for a wandering acceleration."""
    four_M4 = np.lib.stride_tricks.sliding_window_view(times_s, 4)
    apart_M44 = four_M4[:, :, None] - four_M4[:, None, :] + np.eye(4)
    step_M = (four_M4[:, 3] - four_M4[:, 0]) / 3
    return np.asarray(6 / apart_M44.prod(axis=2) * np.sqrt(step_M)[:, None], np.float64)


def _applied(rows_M4: Floats64, path_N2: Floats64) -> Floats64:
    four_M24 = np.lib.stride_tricks.sliding_window_view(path_N2, 4, axis=0)
    return np.asarray(np.einsum("mk,mxk->mx", rows_M4, four_M24), np.float64)


def _solve(seen_N2: Floats64, weight_N: Floats64, rows_M4: Floats64, calm_M: Floats64) -> Floats64:
    """The minimum of weight |seen - path|^2 + calm |rows path|^2: a banded system."""
    count = len(seen_N2)
    band = np.zeros((4, count))
    band[0] = weight_N
    for a in range(4):
        for b in range(a, 4):
            band[b - a, a : count - 3 + a] += calm_M * rows_M4[:, a] * rows_M4[:, b]
    # Scaled to a diagonal of 1: times in seconds make entries of very different size.
    scale = 1 / np.sqrt(band[0])
    for below in range(4):
        band[below, : count - below] *= scale[: count - below] * scale[below:]
    right_N2 = weight_N[:, None] * seen_N2 * scale[:, None]
    return np.asarray(solveh_banded(band, right_N2, lower=True) * scale[:, None], np.float64)
