"""Nearness: which of several people is in front, told by where they stand.

On a level floor whoever stands lower in the picture is nearer. It does not know pixels' colours.
Shape letters: N frames, K joints, 2 = x and y in pixels.
"""

import numpy as np
import numpy.typing as npt

from bodyswap.people import PoseSequence

_AROUND_FRAMES = 8
"""A jump is shorter: what counts is the lowest that anybody was within so many frames."""
_STEADY_FRAMES = 4.0
_LEG_TORSOS = 1.8
"""From the hips to the ground, in torsos, where the picture ends above the ankles."""


def nearness(poses: PoseSequence, torso_px: float) -> npt.NDArray[np.float64]:
    """The height in the picture of the ground somebody stands on, downwards in pixels, (N,).

    Larger is nearer. NaN where nobody is within sight for long.
    """
    return np.concatenate([_of_scene(scene, torso_px) for scene in poses.scenes])


def _of_scene(poses: PoseSequence, torso_px: float) -> npt.NDArray[np.float64]:
    lowest_N = _lowest(poses, torso_px)
    count = len(lowest_N)
    padded = np.concatenate([np.full(_AROUND_FRAMES, np.nan), lowest_N,
                             np.full(_AROUND_FRAMES, np.nan)])  # fmt: skip
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _AROUND_FRAMES + 1)
    ground_N = np.full(count, np.nan)
    some_N = ~np.isnan(windows).all(axis=1)
    ground_N[some_N] = np.nanmax(windows[some_N], axis=1)
    frame_N = np.arange(count)
    weight_NN = np.exp(-np.square((frame_N[:, None] - frame_N) / _STEADY_FRAMES) / 2) * some_N
    with np.errstate(invalid="ignore"):
        steady_N = weight_NN @ np.nan_to_num(ground_N) / weight_NN.sum(axis=1)
    return np.where(some_N, steady_N, np.nan)


def _lowest(poses: PoseSequence, torso_px: float) -> npt.NDArray[np.float64]:
    """Each frame's lowest joint, or where the feet would be if they are not in the picture."""
    y_NK = np.where(poses.confidence_NK > 0, poses.keypoints_NK2[:, :, 1], -np.inf)
    joint = poses.skeleton.joint
    ankles, hips = ([joint(f"{side}_{name}") for side in ("left", "right")]
                    for name in ("ankle", "hip"))  # fmt: skip
    seen_N = y_NK[:, list(poses.skeleton.body)].max(axis=1)
    below_hips_N = y_NK[:, hips].max(axis=1) + _LEG_TORSOS * torso_px
    has_feet_N = np.isfinite(y_NK[:, ankles]).any(axis=1)
    lowest_N = np.where(has_feet_N, seen_N, np.maximum(seen_N, below_hips_N))
    return np.where(np.isfinite(lowest_N), lowest_N, np.nan).astype(np.float64)
