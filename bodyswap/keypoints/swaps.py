"""Swaps: a left and a right joint that change places for a moment are put back.

It does not know what confused them. Each pair's two ways to go on, as seen or crossed over, are
weighed over the whole shot by how suddenly the joints would have to change their velocity (the
Viterbi algorithm): limbs that really cross keep their velocity, limbs mistaken for each other jump.

Shape letters: N frames, P frames that show both joints, K joints, U pairs of a unit,
S = 2 (as seen, swapped), 2 = x and y in pixels.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bodyswap.keypoints.body_size import torso_px
from bodyswap.people import PoseSequence
from bodyswap.skeleton import Part, Skeleton

Floats64 = npt.NDArray[np.float64]

_COST_OF_CHANGE = 0.4
"""Torso lengths of saved jumping that pay for one change between as seen and swapped."""
_FAR_NEARER = 0.5
_DOUBT = 1e-3
"""Torso lengths a frame that being swapped costs, so that what is as seen stays so."""


def untangle(poses: PoseSequence, times_s: Floats64, longest_s: float) -> PoseSequence:
    """The poses with swaps of at most `longest_s` undone; longer ones may be how it was."""
    keypoints, confidence = poses.keypoints_NK2.copy(), poses.confidence_NK.copy()
    torso = torso_px(poses)
    for unit in _units(poses.skeleton):
        left, right = (np.array(side) for side in zip(*unit, strict=True))
        is_swapped = _swapped(poses, times_s, left, right, longest_s, torso)
        rows = np.flatnonzero(is_swapped)[:, None]
        for values in (keypoints, confidence):
            values[rows, left], values[rows, right] = values[rows, right], values[rows, left]
    return replace(poses, keypoints_NK2=keypoints, confidence_NK=confidence)


def _units(skeleton: Skeleton) -> list[list[tuple[int, int]]]:
    """Pairs of joints that can only be mistaken together: a hand goes with its wrist."""
    units = []
    for joint in skeleton.body:
        other = skeleton.mirrored[joint]
        if joint < other and skeleton.joints[joint].partition("_")[2] not in ("eye", "ear"):
            taken = {"left_wrist": Part.LEFT_HAND, "left_ankle": Part.FEET}
            part = taken.get(skeleton.joints[joint])
            along = skeleton.of(part) if part else ()
            ends = [one for one in along if skeleton.joints[one].startswith("left")]
            units.append([(one, skeleton.mirrored[one]) for one in (joint, *ends)])
    return units


def _swapped(
    poses: PoseSequence,
    times_s: Floats64,
    left: npt.NDArray[np.int64],
    right: npt.NDArray[np.int64],
    longest_s: float,
    torso: float,
) -> npt.NDArray[np.bool_]:
    """For each frame, whether the unit was seen swapped there."""
    lead = [left[0], right[0]]
    shown = np.flatnonzero((poses.confidence_NK[:, lead] > 0).all(axis=1))
    is_swapped = np.zeros(len(poses), np.bool_)
    if len(shown) < 4:
        return is_swapped
    pair_P22 = poses.keypoints_NK2[shown][:, lead].astype(np.float64) / torso
    label_P = _likeliest_labels(pair_P22, times_s[shown], longest_s)
    for start, stop in _runs(label_P):
        if (
            start > 0
            and stop < len(label_P)
            and times_s[shown[stop - 1]] - times_s[shown[start]] <= longest_s
            and _fits_better_swapped(pair_P22, times_s[shown], start, stop)
        ):
            is_swapped[shown[start:stop]] = True
    return is_swapped


def _likeliest_labels(
    pair_P22: Floats64, times_P: Floats64, longest_s: float
) -> npt.NDArray[np.int64]:
    """0 or 1 (swapped) for each frame; the state is the labels of the latest two frames."""
    both_PS22 = np.stack([pair_P22, pair_P22[:, ::-1]], axis=1)
    change_SS = np.array([[0.0, _COST_OF_CHANGE], [_COST_OF_CHANGE, 0.0]])
    doubt_S = np.array([0.0, _DOUBT])
    cost_SS = change_SS + np.add.outer(doubt_S, doubt_S)
    came_from = []
    for now in range(2, len(times_P)):
        step_SSS = _jumps(both_PS22[now - 2 : now + 1], times_P[now - 2 : now + 1], longest_s)
        total_SSS = cost_SS[:, :, None] + step_SSS + change_SS + doubt_S
        came_from.append(total_SSS.argmin(axis=0))
        cost_SS = total_SSS.min(axis=0)
    before, last = np.unravel_index(cost_SS.argmin(), (2, 2))
    labels = [int(last), int(before)]
    for back_SS in reversed(came_from):
        labels.append(int(back_SS[labels[-1], labels[-2]]))
    return np.array(labels[::-1])


def _jumps(three_3S22: Floats64, times_3: Floats64, longest_s: float) -> Floats64:
    """How far each choice of three frames' labels is from a steady velocity: (S, S, S)."""
    spans = np.diff(times_3)
    if spans.max() > longest_s:
        return np.zeros((2, 2, 2))
    first, middle, last = three_3S22
    ahead = (middle[None] - first[:, None]) * (spans[1] / spans[0])
    off_SSS2 = last[None, None] - middle[None, :, None] - ahead[:, :, None]
    return np.asarray(np.linalg.norm(off_SSS2, axis=-1).sum(axis=-1), np.float64)


def _fits_better_swapped(pair_P22: Floats64, times_P: Floats64, start: int, stop: int) -> bool:
    """Whether the run lies far nearer the way from before it to after it once it is swapped."""
    ends = times_P[[start - 1, stop]]
    share = ((times_P[start:stop] - ends[0]) / (ends[1] - ends[0]))[:, None, None]
    way = pair_P22[start - 1] + share * (pair_P22[stop] - pair_P22[start - 1])
    as_seen, swapped = (
        np.linalg.norm(pair_P22[start:stop, order] - way, axis=2).sum()
        for order in ([0, 1], [1, 0])
    )
    return bool(swapped < _FAR_NEARER * as_seen)


def _runs(label_P: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Half-open runs of 1."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], label_P, [0]])))
    return list(zip(edges[0::2].tolist(), edges[1::2].tolist(), strict=True))
