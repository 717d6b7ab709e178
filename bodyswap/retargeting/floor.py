"""The floor: what touches it, and how high in the picture it lies under the person.

Feet stand on it, but so do hands in a cartwheel and a back in a roll: whatever is lowest and
still is taken to touch it. Between two touches, in a jump, it runs from one to the next.

It does not know who the person is, nor the camera.
Shape letters: N frames, K joints, 2 = x and y in pixels.
"""

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from bodyswap.people import PoseSequence
from bodyswap.retargeting.limbs import TYPICAL_LENGTHS, completed
from bodyswap.skeleton import COCO_17, Floats, Skeleton

Mask = npt.NDArray[np.bool_]

FEET = ("left_ankle", "right_ankle")
STILL_PER_S = 0.3
"""A joint slower than this, in person heights a second, may touch the floor …"""
MOVING_PER_S = 0.55
"""… and goes on touching it until it is faster than this."""
_FOOT_REACH, _OTHER_REACH = 0.15, 0.06
"""How far above the lowest joint one that touches the floor may be, in person heights: one foot
is farther from the camera than the other, and so higher in the picture."""
_SPEED_WINDOW_S = 0.067
_SHORTEST_TOUCH_S = 0.1
_AIRBORNE_S, _AIRBORNE_REACH = 0.7, 0.16
"""What is higher than this, in person heights, over a touch within this time, hangs in the air."""
_SMOOTH_S = 0.2
_SIZE_SMOOTH_S = 0.4


def ground_line(poses: PoseSequence, *, rate: float) -> Floats:
    """The height (y, pixels) of the floor under the person in each frame, (N).

    It is where ankles are that stand on it; so it lies a little above the floor itself.
    """
    touch_NK = touches(poses, rate=rate)
    y_NK = completed(poses)[:, :, 1]
    weight_N = touch_NK.sum(axis=1)
    if not weight_N.any():
        return _lowest_line(poses, rate)
    ground_N = np.where(weight_N > 0, (y_NK * touch_NK).sum(axis=1) / np.maximum(weight_N, 1), 0)
    known = np.flatnonzero(weight_N)
    filled_N = np.interp(np.arange(len(ground_N)), known, ground_N[known])
    smoothed_N = gaussian_filter1d(filled_N, sigma=max(_SMOOTH_S * rate, 0.5), mode="nearest")
    return np.asarray(smoothed_N, np.float32)


def touches(poses: PoseSequence, *, rate: float) -> Mask:
    """Which joints touch the floor, (N, K): lowest in their frame, and still for a moment."""
    keypoints_NK2, size_N = completed(poses), apparent_height(poses, rate=rate)
    seen_NK = poses.confidence_NK > 0
    y_NK = np.where(seen_NK & _of_body(poses.skeleton), keypoints_NK2[:, :, 1], -np.inf)
    reach_K = np.where([name in FEET for name in poses.skeleton.joints], _FOOT_REACH, _OTHER_REACH)
    lowest_N = y_NK.max(axis=1)
    with np.errstate(invalid="ignore"):
        low_NK = np.isfinite(y_NK) & (y_NK >= lowest_N[:, None] - reach_K * size_N[:, None])
    speed_NK = _speed(keypoints_NK2, rate) / size_N[:, None]
    touch_NK = _lasting(low_NK & (speed_NK < STILL_PER_S), low_NK & (speed_NK < MOVING_PER_S), rate)
    return _grounded(touch_NK, y_NK, size_N, rate)


def apparent_height(poses: PoseSequence, *, rate: float) -> Floats:
    """How tall the person would stand in each frame, judged by the limbs seen at length, (N)."""
    keypoints_NK2 = completed(poses)
    sizes = []
    for limb, pairs in _LONG_LIMBS.items():
        for start, end in pairs:
            a, b = poses.skeleton.joint(start), poses.skeleton.joint(end)
            seen_N = (poses.confidence_NK[:, [a, b]] > 0).all(axis=1)
            length_N = np.linalg.norm(keypoints_NK2[:, b] - keypoints_NK2[:, a], axis=1)
            sizes.append(np.where(seen_N, length_N / TYPICAL_LENGTHS[limb], np.nan))
    stacked = np.stack(sizes)
    known = np.flatnonzero(np.isfinite(stacked).any(axis=0))
    if not known.size:
        return np.full(len(poses), max(float(np.ptp(keypoints_NK2[:, :, 1])), 1.0), np.float32)
    size_N = np.nanpercentile(stacked[:, known], 80, axis=0)
    filled_N = np.interp(np.arange(len(poses)), known, size_N)
    # The tallest within a moment: a crouch towards the camera shortens every limb.
    window = max(1, round(2 * _SIZE_SMOOTH_S * rate))
    tallest_N = maximum_filter1d(filled_N, size=window, mode="nearest")
    smoothed_N = gaussian_filter1d(tallest_N, sigma=window / 2, mode="nearest")
    return np.asarray(np.maximum(smoothed_N, 1.0), np.float32)


_LONG_LIMBS = {
    "torso": (("left_shoulder", "left_hip"), ("right_shoulder", "right_hip")),
    "thigh": (("left_hip", "left_knee"), ("right_hip", "right_knee")),
    "shin": (("left_knee", "left_ankle"), ("right_knee", "right_ankle")),
}


def _of_body(skeleton: Skeleton) -> Mask:
    """Joints that COCO has too: toes and fingers would draw the line below the ankles."""
    return np.array([name in COCO_17.joints for name in skeleton.joints])


def _speed(keypoints_NK2: Floats, rate: float) -> Floats:
    """Pixels a second over a short window, (N, K)."""
    half = max(1, round(_SPEED_WINDOW_S * rate / 2))
    count = len(keypoints_NK2)
    before = np.maximum(np.arange(count) - half, 0)
    after = np.minimum(np.arange(count) + half, count - 1)
    away_NK = np.linalg.norm(keypoints_NK2[after] - keypoints_NK2[before], axis=2)
    return np.asarray(away_NK * rate / np.maximum(after - before, 1)[:, None], np.float32)


def _lasting(sure_NK: Mask, maybe_NK: Mask, rate: float) -> Mask:
    """Runs of `maybe` that are `sure` for long enough somewhere."""
    least = max(2, round(_SHORTEST_TOUCH_S * rate))
    kept = np.zeros_like(sure_NK)
    for joint in range(sure_NK.shape[1]):
        for start, stop in runs(maybe_NK[:, joint]):
            longest = max((b - a for a, b in runs(sure_NK[start:stop, joint])), default=0)
            if longest >= min(least, len(sure_NK)):
                kept[start:stop, joint] = True
    return kept


def _grounded(touch_NK: Mask, y_NK: Floats, size_N: Floats, rate: float) -> Mask:
    """Touches without those far above another of about the same time: still, but in the air."""
    touched_N = np.where(touch_NK, y_NK, -np.inf).max(axis=1)
    window = max(1, round(2 * _AIRBORNE_S * rate)) | 1
    lowest_N = maximum_filter1d(touched_N, size=window, mode="nearest")
    return np.asarray(touch_NK & (y_NK >= (lowest_N - _AIRBORNE_REACH * size_N)[:, None]))


def runs(mask_N: Mask) -> list[tuple[int, int]]:
    """Where the mask is true without a break, half-open."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask_N, [False]]).astype(int)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _lowest_line(poses: PoseSequence, rate: float) -> Floats:
    """Where nothing was ever still: the lowest that anything came within a second and a half."""
    seen_NK = poses.confidence_NK > 0
    lowest_N = np.where(seen_NK, poses.keypoints_NK2[:, :, 1], -np.inf).max(axis=1)
    known = np.flatnonzero(np.isfinite(lowest_N))
    if not known.size:
        return np.zeros(len(poses), np.float32)
    filled_N = np.interp(np.arange(len(poses)), known, lowest_N[known])
    window = max(1, round(1.5 * rate))
    floor_N = maximum_filter1d(filled_N, size=window, mode="nearest")
    return np.asarray(gaussian_filter1d(floor_N, sigma=window / 4, mode="nearest"), np.float32)
