"""Limbs: how long a person's are, and a pose with another person's.

A pose is a tree that grows from the middle of the hips. Each branch keeps its direction in the
picture, and with it its foreshortening, and takes the other person's length.

It does not know where on the picture the person stands.
Shape letters: N frames, K joints, 2 = x and y in pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from bodyswap.people import Mask, PoseSequence
from bodyswap.skeleton import Floats, Skeleton

TYPICAL_LENGTHS = {
    "torso": 0.295, "shoulders": 0.12, "hips": 0.055, "neck": 0.135, "head": 0.095,
    "upper_arm": 0.178, "forearm": 0.167, "thigh": 0.288, "shin": 0.267,
}  # fmt: skip
"""In person heights; shoulders and hips are half a width, the head is nose to ear."""
LEG = ("thigh", "shin")
_LONG = ("torso", "upper_arm", "forearm", "thigh", "shin")

_SEEN_BOUNDS = {"neck": (0.9, 1.2), "head": (0.9, 1.2)}
_USUALLY_SEEN = (0.8, 1.3)
"""A limb whose greatest length is outside these, for their build, was not seen well enough."""
_RATIO_BOUNDS = (0.75, 1.33)
_GREATEST_PERCENTILE = 92.0
_LEAST_FRAMES = 8
_SURE = 0.5
"""Joints less sure than this place limbs, but do not measure them: their errors are the longest."""

_HIPS, _SHOULDERS = "mid_hips", "mid_shoulders"


@dataclass(frozen=True, kw_only=True)
class Branch:
    """A joint, what it hangs on, and the limb between them. Middles of pairs have names too."""

    joint: str
    parent: str
    limb: str


@cache
def branches(skeleton: Skeleton) -> tuple[Branch, ...]:
    """The tree of a skeleton with COCO's body joints, parents first; the root is `mid_hips`.

    A joint that is not of the body (a toe, a finger) hangs on the nearest one that is, along the
    skeleton's limbs, and is scaled as that one's limb.
    """
    tree = {one.joint: one for one in _body() if one.joint in (_SHOULDERS, *skeleton.joints)}
    waiting = True
    while waiting:
        waiting = False
        for pair in skeleton.limbs:
            for near, far in (pair, pair[::-1]):
                if near in tree and far not in tree:
                    tree[far] = Branch(joint=far, parent=near, limb=tree[near].limb)
                    waiting = True
    for joint in skeleton.joints:
        tree.setdefault(joint, Branch(joint=joint, parent=_HIPS, limb="torso"))
    return tuple(tree.values())


def measure_limbs(poses: PoseSequence, height_N: Floats) -> dict[str, float]:
    """Each well seen limb's length in person heights; `height_N` is the person's in each frame.

    Foreshortening only shortens, so a limb is as long as it nearly ever looked. Left and right
    share a length. A limb that never looked as long as people's are is left out.
    """
    points, seen = _named_points(poses, least_confidence=_SURE)
    lengths: dict[str, list[Floats]] = {name: [] for name in TYPICAL_LENGTHS}
    for branch in _body():
        if branch.joint in points and branch.parent in points and _measures(branch):
            both_N = seen[branch.joint] & seen[branch.parent]
            vector_N2 = points[branch.joint] - points[branch.parent]
            lengths[branch.limb].append((np.linalg.norm(vector_N2, axis=1) / height_N)[both_N])
    longest = {
        name: float(np.percentile(np.concatenate(parts), _GREATEST_PERCENTILE))
        for name, parts in lengths.items()
        if sum(len(part) for part in parts) >= _LEAST_FRAMES
    }
    usual = build({name: longest[name] for name in longest if name in _LONG})
    return {
        name: length
        for name, length in longest.items()
        if _is_well_seen(name, length / usual / TYPICAL_LENGTHS[name])
    }


def build(lengths: Mapping[str, float]) -> float:
    """How much longer than typical the long limbs are, in the middle; 1 where few are known."""
    shares = [lengths[name] / TYPICAL_LENGTHS[name] for name in _LONG if name in lengths]
    return float(np.clip(np.median(shares), 0.6, 1.6)) if len(shares) >= 3 else 1.0


def _is_well_seen(limb: str, share: float) -> bool:
    low, high = _SEEN_BOUNDS.get(limb, _USUALLY_SEEN)
    return low <= share <= high


def limb_ratios(performer: Mapping[str, float], subject: Mapping[str, float]) -> dict[str, float]:
    """How much longer each of the subject's limbs is, for their heights; 1 where unknown."""
    return {
        name: float(np.clip(subject[name] / performer[name], *_RATIO_BOUNDS))
        if name in performer and name in subject
        else 1.0
        for name in TYPICAL_LENGTHS
    }


def with_limbs(poses: PoseSequence, ratios: Mapping[str, float]) -> Floats:
    """The pose with every limb scaled by its ratio, about the middle of the hips, (N, K, 2)."""
    points, _ = _named_points(poses)
    placed = {_HIPS: np.zeros_like(points[_HIPS])}
    for branch in branches(poses.skeleton):
        vector_N2 = points[branch.joint] - points[branch.parent]
        placed[branch.joint] = placed[branch.parent] + vector_N2 * ratios[branch.limb]
    return np.stack([placed[joint] for joint in poses.skeleton.joints], axis=1)


def middle_of_hips(poses: PoseSequence) -> Floats:
    """The root of the tree in each frame, (N, 2)."""
    return _named_points(poses)[0][_HIPS]


def completed(poses: PoseSequence) -> Floats:
    """The keypoints with absent joints where they were before and after, (N, K, 2).

    A joint that is never seen sits where what it hangs on is.
    """
    keypoints = poses.keypoints_NK2.copy()
    seen_NK = (poses.confidence_NK > 0) & np.isfinite(keypoints).all(axis=2)
    instants = np.arange(len(keypoints))
    never = []
    for joint in range(keypoints.shape[1]):
        known = np.flatnonzero(seen_NK[:, joint])
        if not len(known):
            never.append(joint)
        elif len(known) < len(keypoints):
            for axis in (0, 1):
                keypoints[:, joint, axis] = np.interp(
                    instants, known, keypoints[known, joint, axis]
                )
    return _with_guesses(keypoints, never, poses.skeleton)


def _with_guesses(keypoints_NK2: Floats, never: list[int], skeleton: Skeleton) -> Floats:
    """Joints `never` seen, at their nearest ancestor that was, or in the middle of those seen."""
    known = [joint for joint in range(keypoints_NK2.shape[1]) if joint not in never]
    if not known:
        return np.zeros_like(keypoints_NK2)
    parents = {one.joint: one.parent for one in branches(skeleton)}
    for joint in never:
        name = parents[skeleton.joints[joint]]
        while name in parents and name in skeleton.joints and skeleton.joint(name) in never:
            name = parents[name]
        source = known
        if name in skeleton.joints:
            source = [skeleton.joint(name)]
        keypoints_NK2[:, joint] = keypoints_NK2[:, source].mean(axis=1)
    return keypoints_NK2


def _body() -> tuple[Branch, ...]:
    sides = [
        Branch(joint=f"{side}_{joint}", parent=parent.format(side=side), limb=limb)
        for joint, parent, limb in (
            ("hip", _HIPS, "hips"), ("knee", "{side}_hip", "thigh"),
            ("ankle", "{side}_knee", "shin"), ("shoulder", _SHOULDERS, "shoulders"),
            ("elbow", "{side}_shoulder", "upper_arm"), ("wrist", "{side}_elbow", "forearm"),
            ("eye", "nose", "head"), ("ear", "nose", "head"),
        )
        for side in ("left", "right")
    ]  # fmt: skip
    spine = (
        (_SHOULDERS, _HIPS, "torso"), ("nose", _SHOULDERS, "neck"),
        ("hip", _HIPS, "hips"), ("neck", _SHOULDERS, "shoulders"), ("head", _SHOULDERS, "neck"),
    )  # fmt: skip
    trunk = [Branch(joint=joint, parent=parent, limb=limb) for joint, parent, limb in spine]
    return (*trunk, *sides)


def _measures(branch: Branch) -> bool:
    """Whether the branch's length is the limb's: an eye is nearer the nose than an ear."""
    return branch.joint not in ("left_eye", "right_eye", "hip", "neck", "head")


def _named_points(
    poses: PoseSequence, *, least_confidence: float = 0.0
) -> tuple[dict[str, Floats], dict[str, Mask]]:
    """Where each joint and each middle is (N, 2), and whether it was seen that surely (N)."""
    keypoints_NK2 = completed(poses)
    points = {name: keypoints_NK2[:, joint] for joint, name in enumerate(poses.skeleton.joints)}
    seen: dict[str, Mask] = {
        name: np.asarray(poses.confidence_NK[:, joint] > least_confidence)
        for joint, name in enumerate(poses.skeleton.joints)
    }
    for middle, pair in ((_HIPS, "hip"), (_SHOULDERS, "shoulder")):
        left, right = f"left_{pair}", f"right_{pair}"
        points[middle] = np.asarray((points[left] + points[right]) / 2, np.float32)
        seen[middle] = seen[left] & seen[right]
    return points, seen
