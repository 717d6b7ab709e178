"""Placement: where in the plate the subject's picture lies, frame by frame.

The subject is rendered on their own stage. What takes their joints to the performer's is a scale
and a shift a frame: limbs may differ in length, so feet count most, and a person stands where the
performer stood.
Shape letters: N frames, K joints, 2x3 = an affine map, 2 = x and y in pixels.
"""

import numpy as np
import numpy.typing as npt

from bodyswap.keypoints.body_size import torso_px
from bodyswap.people import PoseSequence
from bodyswap.skeleton import Floats

Affines = npt.NDArray[np.float64]
_FEET_COUNT = 4.0
_STEADY_FRAMES = 4.0
"""Scale is steadied over so many frames: people do not grow. Places follow each frame's joints."""


def place_subject(performer: PoseSequence, subject: PoseSequence) -> Affines:
    """For each frame, what takes the subject's pixels to the plate's, (N, 2, 3)."""
    parts = [
        _place_scene(ours, theirs)
        for ours, theirs in zip(performer.scenes, subject.scenes, strict=True)
    ]
    return np.concatenate(parts)


def _place_scene(performer: PoseSequence, subject: PoseSequence) -> Affines:
    placed_N23 = np.zeros((len(performer), 2, 3))
    weight_NK = _weights(performer, subject)
    there_N = weight_NK.sum(axis=1) > 0
    if not there_N.any():
        return placed_N23
    ours_NK2, theirs_NK2 = performer.keypoints_NK2, subject.keypoints_NK2
    ours_N2, theirs_N2 = (_mean(points, weight_NK) for points in (ours_NK2, theirs_NK2))
    scale_N = _steady(_scale(performer, subject, weight_NK), there_N)
    placed_N23[:, 0, 0] = placed_N23[:, 1, 1] = scale_N
    placed_N23[:, :, 2] = ours_N2 - theirs_N2 * scale_N[:, None]
    placed_N23[~there_N] = 0
    return placed_N23


def _weights(performer: PoseSequence, subject: PoseSequence) -> Floats:
    weight_NK = np.minimum(performer.confidence_NK, subject.confidence_NK).astype(np.float64)
    counts_K = np.zeros(weight_NK.shape[1])
    counts_K[list(performer.skeleton.body)] = 1.0
    for side in ("left", "right"):
        counts_K[performer.skeleton.joint(f"{side}_ankle")] = _FEET_COUNT
    return np.asarray(weight_NK * counts_K, np.float32)


def _mean(points_NK2: Floats, weight_NK: Floats) -> npt.NDArray[np.float64]:
    total_N = np.maximum(weight_NK.sum(axis=1), 1e-6)
    return np.asarray((points_NK2 * weight_NK[:, :, None]).sum(axis=1) / total_N[:, None])


def _scale(performer: PoseSequence, subject: PoseSequence, weight_NK: Floats) -> Affines:
    """How far the joints are spread about their middle, ours to theirs; else by the torsos."""
    spreads = []
    for poses in (performer, subject):
        off = poses.keypoints_NK2 - _mean(poses.keypoints_NK2, weight_NK)[:, None]
        squared = (weight_NK * np.square(off).sum(axis=2)).sum(axis=1)
        spreads.append(np.sqrt(squared / np.maximum(weight_NK.sum(axis=1), 1e-6)))
    enough_N = (weight_NK > 0).sum(axis=1) >= 3
    usual = torso_px(performer) / torso_px(subject)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio_N = np.where(enough_N & (spreads[1] > 1), spreads[0] / spreads[1], np.nan)
    return np.asarray(np.where(np.isnan(ratio_N), usual, ratio_N))


def _steady(scale_N: Affines, there_N: npt.NDArray[np.bool_]) -> Affines:
    frame_N = np.arange(len(scale_N))
    weight_NN = np.exp(-np.square((frame_N[:, None] - frame_N) / _STEADY_FRAMES) / 2) * there_N
    total_N = np.maximum(weight_NN.sum(axis=1), 1e-9)
    return np.asarray(np.exp(weight_NN @ np.log(scale_N) / total_N))
