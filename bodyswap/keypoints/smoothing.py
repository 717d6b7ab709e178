"""Smoothing: jitter out, motion kept, over the whole shot and without lag.

It does not know whose poses they are.

Shape letters: N frames, K joints, 2 = x and y in pixels.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from bodyswap.people import PoseSequence
from bodyswap.skeleton import Floats


def smooth(poses: PoseSequence, sigma_frames: float) -> PoseSequence:
    """Zero-lag Gaussian over time, each frame weighing by its confidence; gaps are not bridged."""
    if sigma_frames <= 0 or len(poses) < 3:
        return poses
    weight = poses.confidence_NK.astype(np.float64)
    total = _blur(weight, sigma_frames)
    mixed = _blur(weight[:, :, None] * poses.keypoints_NK2, sigma_frames)
    smoothed = mixed / np.maximum(total, 1e-9)[:, :, None]
    kept = np.where((weight > 0)[:, :, None], smoothed, poses.keypoints_NK2)
    return replace(poses, keypoints_NK2=kept.astype(np.float32))


def _blur(values: npt.NDArray[np.float64], sigma: float) -> Floats:
    return np.asarray(gaussian_filter1d(values, sigma=sigma, axis=0, mode="nearest", truncate=3.0))
