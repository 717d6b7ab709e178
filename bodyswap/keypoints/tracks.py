"""Tracks: which detections, over a whole shot, are the same person.

It does not know which of them matters, nor how the detections were sharded.
Linking is by position (box overlap and joint distance) with the Hungarian assignment.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from bodyswap.people import Detections
from bodyswap.skeleton import Floats

_WORST_COST = 0.8


@dataclass(frozen=True, kw_only=True)
class Track:
    """One person: indices into the detections, one a frame, in time; their sizes and confidence."""

    detections: npt.NDArray[np.int64]
    size_px: Floats
    confidence: Floats


@dataclass(kw_only=True)
class _Growing:
    members: list[int] = field(default_factory=list)
    last_frame: int = 0


def link_tracks(detections: Detections, *, most_missing: int) -> list[Track]:
    """Every track, the first seen first; one may be unseen for up to `most_missing` frames."""
    growing: list[_Growing] = []
    for frame in np.unique(detections.frame_M):
        found = np.flatnonzero(detections.frame_M == frame)
        alive = [track for track in growing if frame - track.last_frame <= most_missing + 1]
        unmatched = set(found.tolist())
        for track, detection in _matches(alive, found, detections):
            track.members.append(detection)
            track.last_frame = int(frame)
            unmatched.discard(detection)
        growing += [
            _Growing(members=[detection], last_frame=int(frame)) for detection in sorted(unmatched)
        ]
    return [_finished(track, detections) for track in growing]


def _matches(
    tracks: list[_Growing], found: npt.NDArray[np.int64], detections: Detections
) -> list[tuple[_Growing, int]]:
    if not tracks or not found.size:
        return []
    cost = np.array(
        [[_cost(track.members[-1], int(one), detections) for one in found] for track in tracks]
    )
    rows, columns = linear_sum_assignment(cost)
    return [
        (tracks[row], int(found[column]))
        for row, column in zip(rows, columns, strict=True)
        if cost[row, column] <= _WORST_COST
    ]


def _cost(one: int, other: int, detections: Detections) -> float:
    """Mean distance of the joints both show, in sizes of the person; 1 is a whole person away."""
    weight = np.minimum(detections.confidence_MK[one], detections.confidence_MK[other])
    if weight.sum() <= 0:
        return np.inf
    apart = np.linalg.norm(detections.keypoints_MK2[one] - detections.keypoints_MK2[other], axis=1)
    size = max(_sizes(detections.box_M4[[one, other]]).mean(), 1.0)
    return float((apart * weight).sum() / weight.sum() / size)


def _sizes(box_M4: Floats) -> Floats:
    sides = np.maximum(box_M4[:, 2:] - box_M4[:, :2], 0)
    return np.asarray(np.sqrt(sides.prod(axis=1)), np.float32)


def _finished(track: _Growing, detections: Detections) -> Track:
    members = np.array(track.members, np.int64)
    return Track(
        detections=members,
        size_px=_sizes(detections.box_M4[members]),
        confidence=detections.confidence_MK[members].mean(axis=1),
    )
