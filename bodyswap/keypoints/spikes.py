"""Spikes: a joint that is elsewhere for a moment and back again was not seen there.

It does not know what was mistaken for the joint.

Shape letters: N frames, K joints, 2 = x and y in pixels.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bodyswap.keypoints.body_size import torso_px
from bodyswap.people import PoseSequence

Floats64 = npt.NDArray[np.float64]

LONGEST_SPIKE_S = 0.1
_LEAST_AWAY = 0.3
"""Torso lengths off its way below which a joint's place is believed."""
_TIMES_FARTHER = 2.5
"""How many times farther off its way than its neighbours move a joint must be."""


def drop_spikes(poses: PoseSequence, times_s: Floats64) -> PoseSequence:
    """The poses with spikes of at most LONGEST_SPIKE_S marked unseen (confidence 0)."""
    confidence, torso = poses.confidence_NK.copy(), torso_px(poses)
    for joint in range(confidence.shape[1]):
        seen = np.flatnonzero(confidence[:, joint] > 0)
        points = poses.keypoints_NK2[seen, joint].astype(np.float64) / torso
        confidence[seen[_spikes(points, times_s[seen])], joint] = 0
    return replace(poses, confidence_NK=confidence)


def _spikes(points: Floats64, times_s: Floats64) -> npt.NDArray[np.bool_]:
    """Which of a joint's sightings are spikes; the shortest explanation is tried first."""
    is_spike = np.zeros(len(points), np.bool_)
    length = 1
    while length <= len(points) - 2:
        starts = np.arange(1, len(points) - length)
        away_s = times_s[starts + length - 1] - times_s[starts]
        if away_s.min(initial=np.inf) > LONGEST_SPIKE_S:
            break
        for start in starts[away_s <= LONGEST_SPIKE_S].tolist():
            inside = slice(start, start + length)
            if not is_spike[start - 1 : start + length + 1].any():
                is_spike[inside] = _is_spike(points, times_s, start, start + length)
        length += 1
    return is_spike


def _is_spike(points: Floats64, times_s: Floats64, start: int, stop: int) -> bool:
    """Whether start..stop is far off the way from before to after, all of it, at both ends."""
    before, after = start - 1, stop
    share = (times_s[start:stop] - times_s[before]) / (times_s[after] - times_s[before])
    way = points[before] + share[:, None] * (points[after] - points[before])
    away = np.linalg.norm(points[start:stop] - way, axis=1)
    jump_in = np.linalg.norm(points[start] - points[before])
    jump_out = np.linalg.norm(points[after] - points[stop - 1])
    around = [(before - 1, before), (after, after + 1)]
    steps = [np.linalg.norm(points[b] - points[a]) for a, b in around if a >= 0 and b < len(points)]
    usual = max(steps, default=0.0)
    least = max(_LEAST_AWAY, _TIMES_FARTHER * usual)
    return bool(away.min() > least and min(jump_in, jump_out) > least)
