"""Retarget: one person's pose, placed and sized as another would take it in their own picture.

Everybody Dance Now's global pose normalisation (Chan et al., ICCV 2019, section 8.2): the ground
line of the performer, between the farthest and the nearest they stood, is mapped to the subject's,
and the scale follows the same fraction. Guards: the ground line is a smooth curve over the shot,
so a jump keeps its height; footage in which nobody came nearer gives one scale; scales are bounded.

It does not know which person is the performer, nor the networks.
Shape letters: N frames, K joints.
"""

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from bodyswap.people import PoseSequence
from bodyswap.skeleton import Floats
from bodyswap.stance import StanceStatistics

Mask = npt.NDArray[np.bool_]

LEAST_RANGE = 0.15
"""Ground lines closer together than this, in person heights, count as one distance."""
SCALE_BOUNDS = (0.05, 20.0)
GROUND_WINDOW_S = 1.5
_SHARE_BOUNDS = (-0.5, 1.5)
_HEAD_ABOVE_EYES = 0.07
_TORSO_PER_HEIGHT = 0.29
_STRAIGHT = 0.97


def measure_stance(
    poses: PoseSequence, *, width: int, height: int, rate: float = 30.0
) -> StanceStatistics:
    """The stance statistics of one person's poses in a `width` x `height` picture.

    Only frames with an upright torso and straight legs count for the height, so that stunts do
    not shrink a person; where there is none, the height follows from the torso by usual ratios.
    """
    ground_N = ground_line(poses, rate=rate)
    tall_N, is_upright_N = _heights(poses)
    tall, ground = tall_N[is_upright_N], ground_N[is_upright_N]
    if not tall.size:
        tall, ground = np.array([_height_by_torso(poses, height)]), np.array([np.median(ground_N)])
    typical = float(np.median(tall))
    far, near = np.percentile(ground_N, [2, 98])
    far_height = near_height = typical
    if np.ptp(ground) >= LEAST_RANGE * typical:
        # Height changes in proportion along the floor: a line through all, read at both ends.
        slope, rest = np.polyfit(ground, tall, 1)
        low, high = np.percentile(tall, [2, 98])
        far_height, near_height = np.clip(np.array([far, near]) * slope + rest, low, high)
    return StanceStatistics(
        width=float(width),
        height=float(height),
        far_ground_y=float(far),
        near_ground_y=float(near),
        far_height=float(far_height),
        near_height=float(near_height),
    )


def retarget(
    poses: PoseSequence,
    performer: StanceStatistics,
    subject: StanceStatistics,
    *,
    rate: float = 30.0,
) -> PoseSequence:
    """`poses`, in the performer's pixels, as the subject's: same motion, their place and size."""
    ground_N = ground_line(poses, rate=rate)
    share_N = _share_of_range(ground_N, performer, subject)
    scale_N = _scale(ground_N, share_N, performer, subject)
    target_N = _between(share_N, subject.far_ground_y, subject.near_ground_y)
    x_NK = poses.keypoints_NK2[:, :, 0] - performer.width / 2
    y_NK = poses.keypoints_NK2[:, :, 1] - ground_N[:, None]
    x_NK = subject.width / 2 + x_NK * scale_N[:, None]
    moved = np.stack([x_NK, target_N[:, None] + y_NK * scale_N[:, None]], axis=2)
    moved[:, :, 0] += _shift_into_frame(moved[:, :, 0], poses.confidence_NK, subject.width)
    return PoseSequence(
        skeleton=poses.skeleton,
        frames=poses.frames,
        keypoints_NK2=moved.astype(np.float32),
        confidence_NK=poses.confidence_NK,
    )


def ground_line(poses: PoseSequence, *, rate: float) -> Floats:
    """The height (y, pixels) of the floor under the person in each frame, (N).

    The lowest the ankles came within a window, smoothed: a foot in the air lies above it.
    """
    skeleton = poses.skeleton
    ankles = [skeleton.joint("left_ankle"), skeleton.joint("right_ankle")]
    seen = poses.confidence_NK[:, ankles] > 0
    lowest = np.where(seen, poses.keypoints_NK2[:, ankles, 1], -np.inf).max(axis=1)
    if not np.isfinite(lowest).any():
        whole = np.where(poses.confidence_NK > 0, poses.keypoints_NK2[:, :, 1], -np.inf)
        lowest = whole.max(axis=1)
    lowest = _filled(lowest)
    window = max(1, round(GROUND_WINDOW_S * rate))
    floor = maximum_filter1d(lowest, size=window, mode="nearest")
    return np.asarray(gaussian_filter1d(floor, sigma=window / 4, mode="nearest"), np.float32)


def _filled(values: Floats) -> Floats:
    """Gaps (not finite) filled from their neighbours; all zeros where there is nothing."""
    known = np.flatnonzero(np.isfinite(values))
    if not known.size:
        return np.zeros_like(values)
    return np.interp(np.arange(len(values)), known, values[known]).astype(np.float32)


def _heights(poses: PoseSequence) -> tuple[Floats, Mask]:
    """Each frame's apparent person height, and whether they stood upright enough to tell."""
    ankles, hips, shoulders = (_middle(poses, name) for name in ("ankle", "hip", "shoulder"))
    tall = (ankles - _middle(poses, "eye"))[:, 1] * (1 + _HEAD_ABOVE_EYES)
    torso, legs = hips - shoulders, ankles - hips
    with np.errstate(invalid="ignore"):
        is_upright = (
            (torso[:, 1] > 2.5 * np.abs(torso[:, 0]))
            & (legs[:, 1] > 1.2 * torso[:, 1])
            & _is_straight(poses, "left")
            & _is_straight(poses, "right")
        )
    return np.asarray(tall, np.float32), np.asarray(is_upright)


def _is_straight(poses: PoseSequence, side: str) -> Mask:
    """Whether the leg is, in the picture, nearly as long as its two bones."""
    joints = [poses.skeleton.joint(f"{side}_{name}") for name in ("hip", "knee", "ankle")]
    hip, knee, ankle = (poses.keypoints_NK2[:, joint] for joint in joints)
    bones = np.linalg.norm(knee - hip, axis=1) + np.linalg.norm(ankle - knee, axis=1)
    return np.asarray(np.linalg.norm(ankle - hip, axis=1) >= _STRAIGHT * bones)


def _height_by_torso(poses: PoseSequence, picture_height: int) -> float:
    torso = np.linalg.norm(_middle(poses, "hip") - _middle(poses, "shoulder"), axis=1)
    if not np.isfinite(torso).any():
        return float(picture_height) / 2
    return float(np.nanpercentile(torso, 80)) / _TORSO_PER_HEIGHT


def _middle(poses: PoseSequence, name: str) -> Floats:
    """Between the left and the right joint, (N, 2); NaN where either is absent."""
    pair = [poses.skeleton.joint(f"left_{name}"), poses.skeleton.joint(f"right_{name}")]
    seen = np.asarray((poses.confidence_NK[:, pair] > 0).all(axis=1))
    middle = np.asarray(poses.keypoints_NK2[:, pair].mean(axis=1))
    return np.asarray(np.where(seen[:, None], middle, np.nan), np.float32)


def _share_of_range(
    ground_N: Floats, performer: StanceStatistics, subject: StanceStatistics
) -> Floats:
    """How near each frame is: 0 at the subject's farthest ground line, 1 at the nearest.

    A performer who roams less than the subject is not made to roam more: they stay at the height
    of the picture where they were, as far as the subject has been there, and distances only
    change by the scale.
    """
    scale = (subject.far_height + subject.near_height) / (
        performer.far_height + performer.near_height
    )
    roamed = performer.near_ground_y - performer.far_ground_y
    room = subject.near_ground_y - subject.far_ground_y
    middle = (performer.near_ground_y + performer.far_ground_y) / 2
    spare = max(room - roamed * scale, 0) / 2
    place = middle * subject.height / performer.height
    centre = (subject.near_ground_y + subject.far_ground_y) / 2
    placed = np.clip(place, centre - spare, centre + spare)
    share_N = (ground_N - middle) / max(roamed, room / scale, 1.0)
    share_N += (placed - subject.far_ground_y) / max(room, 1.0)
    return np.asarray(share_N.clip(*_SHARE_BOUNDS), np.float32)


def _scale(
    ground_N: Floats, share_N: Floats, performer: StanceStatistics, subject: StanceStatistics
) -> Floats:
    """The subject's height where they are put, over the performer's where they are.

    A performer whose height was not seen to change with distance keeps one scale: what their own
    camera's perspective does to them is in the poses already.
    """
    if performer.far_height == performer.near_height:
        share_N = np.full_like(share_N, np.median(share_N))
    extent = max(performer.near_ground_y - performer.far_ground_y, 1.0)
    nearness_N = np.asarray((ground_N - performer.far_ground_y) / extent, np.float32)
    subject_N = _between(share_N.clip(0, 1), subject.far_height, subject.near_height)
    performer_N = _between(nearness_N.clip(0, 1), performer.far_height, performer.near_height)
    return np.asarray((subject_N / performer_N).clip(*SCALE_BOUNDS), np.float32)


def _between(share_N: Floats, low: float, high: float) -> Floats:
    return np.asarray(low + share_N * (high - low), np.float32)


def _shift_into_frame(x_NK: Floats, confidence_NK: Floats, width: float) -> float:
    """One shift for the whole shot that keeps the person in the subject's picture, if it fits."""
    seen = x_NK[confidence_NK > 0]
    if not seen.size:
        return 0.0
    left, right = np.percentile(seen, [1, 99])
    margin = 0.01 * width
    if right - left > width - 2 * margin:
        return float(width / 2 - (left + right) / 2)
    return float(max(margin - left, 0) + min(width - margin - right, 0))
