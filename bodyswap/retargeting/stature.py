"""Stature: where a person stands in their footage, how tall they look there, how long each limb is.

It does not know what the figures are for.
Shape letters: N frames, 2 = x and y in pixels.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bodyswap.people import Mask, PoseSequence
from bodyswap.retargeting.floor import apparent_height, ground_line
from bodyswap.retargeting.limbs import build, measure_limbs
from bodyswap.skeleton import Floats
from bodyswap.stance import StanceStatistics

LEAST_RANGE = 0.06
"""Ground lines closer together than this, in person heights, count as one distance."""
_LEAST_UPRIGHT_S = 0.2
_CHEST_SLOPE, _SLOPE_BOUNDS = 1.4, (0.5, 4.0)
"""A person's height over the camera's: how fast height grows as the ground line comes down."""
_LEANING = 0.05
_HEAD_ABOVE_EYES = 0.07
_EYES_ABOVE_NOSE = 0.025
"""Of how high each is over the ankles; as the stage's people have it."""
_STRAIGHT = 0.97


def stance_of(poses: PoseSequence, *, width: float, height: float, rate: float) -> StanceStatistics:
    """The stance statistics of one person's poses in a `width` x `height` picture.

    Heights are those of frames with an upright torso and straight legs, so that stunts do not
    shrink a person; where there are too few, the long limbs tell, by usual proportions.
    """
    ground_N = ground_line(poses, rate=rate)
    there_N = np.asarray((poses.confidence_NK > 0).any(axis=1))
    if not there_N.any():
        return _nobodys(width, height)
    tall_N, is_upright_N = _heights(poses)
    if is_upright_N.sum() < _LEAST_UPRIGHT_S * rate:
        tall_N, is_upright_N = apparent_height(poses, rate=rate), np.asarray(there_N, np.bool_)
    far, near = np.percentile(ground_N[there_N], [2, 98])
    slope, rest = _height_by_ground(ground_N[is_upright_N], tall_N[is_upright_N])
    limits = np.percentile(tall_N[is_upright_N], [2, 98]) * np.array([0.8, 1.25])
    stance = StanceStatistics(
        width=float(width),
        height=float(height),
        far_ground_y=float(far),
        near_ground_y=float(near),
        far_height=float(np.clip(far * slope + rest, *limits)),
        near_height=float(np.clip(near * slope + rest, *limits)),
    )
    return _by_limbs(stance, measure_limbs(poses, stance.height_at(ground_N)))


def _by_limbs(stance: StanceStatistics, lengths: Mapping[str, float]) -> StanceStatistics:
    """The stance with the height that such limbs usually have: two people's heights compare only
    if they do not depend on how often each stood upright in their footage."""
    share = build(lengths)
    return replace(
        stance,
        far_height=stance.far_height * share,
        near_height=stance.near_height * share,
        limb_lengths={name: length / share for name, length in lengths.items()},
    )


def _nobodys(width: float, height: float) -> StanceStatistics:
    """Of somebody never seen: half the picture high, standing in the middle."""
    return StanceStatistics(
        width=float(width), height=float(height), far_ground_y=height * 0.75,
        near_ground_y=height * 0.75, far_height=height / 2, near_height=height / 2,
    )  # fmt: skip


def _height_by_ground(ground: Floats, tall: Floats) -> tuple[float, float]:
    """Height changes in proportion along the floor: a line (slope, rest) through all.

    Flat where nobody came nearer. Who came little nearer has too few, too noisy heights to tell
    how fast they change; so the slope leans on that of a camera at chest height.
    """
    typical = float(np.median(tall))
    if np.ptp(ground) < LEAST_RANGE * typical:
        return 0.0, typical
    near = ground - ground.mean()
    lean = len(near) * (_LEANING * typical) ** 2
    slope = float((near @ (tall - tall.mean()) + lean * _CHEST_SLOPE) / (near @ near + lean))
    slope = float(np.clip(slope, *_SLOPE_BOUNDS))
    return slope, float(np.mean(tall)) - slope * float(ground.mean())


def _heights(poses: PoseSequence) -> tuple[Floats, Mask]:
    """Each frame's apparent person height, and whether they stood upright enough to tell."""
    ankles, hips, shoulders = (_middle(poses, name) for name in ("ankle", "hip", "shoulder"))
    tall = _eye_level(poses, ankles) * (1 + _HEAD_ABOVE_EYES)
    torso, legs = hips - shoulders, ankles - hips
    with np.errstate(invalid="ignore"):
        is_upright = (
            (torso[:, 1] > 2.5 * np.abs(torso[:, 0]))
            & (legs[:, 1] > 1.2 * torso[:, 1])
            & _is_straight(poses, "left")
            & _is_straight(poses, "right")
        )
    return np.asarray(tall, np.float32), np.asarray(is_upright & np.isfinite(tall))


def _eye_level(poses: PoseSequence, ankles_N2: Floats) -> Floats:
    """How far the eyes are above the ankles, (N); by the nose, of a skeleton without eyes."""
    if poses.skeleton.those_of(("left_eye", "right_eye")):
        return np.asarray((ankles_N2 - _middle(poses, "eye"))[:, 1], np.float32)
    nose = poses.skeleton.joint("nose")
    nose_y_N = np.where(poses.confidence_NK[:, nose] > 0, poses.keypoints_NK2[:, nose, 1], np.nan)
    return np.asarray((ankles_N2[:, 1] - nose_y_N) * (1 + _EYES_ABOVE_NOSE), np.float32)


def _is_straight(poses: PoseSequence, side: str) -> Mask:
    """Whether the leg is, in the picture, nearly as long as its two bones."""
    joints = [poses.skeleton.joint(f"{side}_{name}") for name in ("hip", "knee", "ankle")]
    hip, knee, ankle = (poses.keypoints_NK2[:, joint] for joint in joints)
    bones = np.linalg.norm(knee - hip, axis=1) + np.linalg.norm(ankle - knee, axis=1)
    return np.asarray(np.linalg.norm(ankle - hip, axis=1) >= _STRAIGHT * bones)


def _middle(poses: PoseSequence, name: str) -> Floats:
    """Between the left and the right joint, (N, 2); NaN where either is absent."""
    pair = [poses.skeleton.joint(f"left_{name}"), poses.skeleton.joint(f"right_{name}")]
    seen = np.asarray((poses.confidence_NK[:, pair] > 0).all(axis=1))
    middle = np.asarray(poses.keypoints_NK2[:, pair].mean(axis=1))
    return np.asarray(np.where(seen[:, None], middle, np.nan), np.float32)
