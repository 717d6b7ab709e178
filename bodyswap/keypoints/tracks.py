"""Tracks: which detections, over a whole shot, are the same person.

    detections -> tracklets, certain from frame to frame -> people, over occlusions and absences

It does not know which of them matters, nor how the detections were sharded.
"""

from dataclasses import asdict, dataclass

import numpy as np

from bodyswap.keypoints.evidence import Evidence, Indices
from bodyswap.keypoints.stitching import stitch
from bodyswap.keypoints.tracklets import link_tracklets
from bodyswap.people import Detections
from bodyswap.skeleton import Floats
from bodyswap.timing import FIRST_FRAME_NUMBER

_LEAST_S = 0.2
_LEAST_SHARE = 0.1
_ON_ANOTHER = 0.15
_ON_ANOTHER_SHARE = 0.7


@dataclass(frozen=True, kw_only=True)
class Track:
    """One person: indices into the detections, one a frame, in time; their sizes and confidence.

    Ids count from 1 in the order in which people appear, from left to right within a frame.
    """

    id: int
    detections: Indices
    size_px: Floats
    confidence: Floats


@dataclass(frozen=True, kw_only=True)
class TrackSummary:
    """A track in a few facts, for choosing. Frame numbers are the plate's, the first being 1001.

    `box` (x0, y0, x1, y1) is where they are in frame `best_frame`, the one they are seen best in.
    """

    id: int
    first_frame: int
    last_frame: int
    frames_seen: int
    confidence: float
    height_px: float
    best_frame: int
    box: tuple[int, int, int, int]

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


def link_tracks(detections: Detections, *, rate: float) -> list[Track]:
    """Everybody, by id; `rate` in frames a second.

    A passing sighting, shorter than a fifth of a second and than a tenth of the longest track, is
    nobody; nor is one that lies on somebody else nearly all the time.
    """
    if not len(detections.frame_M):
        return []
    evidence = Evidence.of(detections)
    people = stitch(link_tracklets(evidence, rate=rate), evidence, rate=rate)
    least = min(_LEAST_S * rate, _LEAST_SHARE * max(len(members) for members in people))
    people = [members for members in people if len(members) >= least]
    people = [one for one in people if not any(_lies_on(one, each, evidence) for each in people)]
    people.sort(key=lambda members: _appearance_order(members, evidence))
    return [_track(number, members, detections) for number, members in enumerate(people, start=1)]


def summarise(
    track: Track, detections: Detections, first_number: int = FIRST_FRAME_NUMBER
) -> TrackSummary:
    """The track in a few facts."""
    frames, boxes = detections.frame_M[track.detections], detections.box_M4[track.detections]
    best = int(np.argmax(track.confidence))
    x0, y0, x1, y1 = (round(float(side)) for side in boxes[best])
    return TrackSummary(
        id=track.id,
        first_frame=int(frames[0]) + first_number,
        last_frame=int(frames[-1]) + first_number,
        frames_seen=len(frames),
        confidence=round(float(track.confidence.mean()), 3),
        height_px=round(float(np.median(boxes[:, 3] - boxes[:, 1])), 1),
        best_frame=int(frames[best]) + first_number,
        box=(x0, y0, x1, y1),
    )


def _lies_on(one: Indices, other: Indices, evidence: Evidence) -> bool:
    """Whether `one` is only a second sighting of `other`, a person seen for longer."""
    if one is other or len(one) * 2 > len(other):
        return False
    at = dict(zip(evidence.frame_M[other].tolist(), other.tolist(), strict=True))
    shared = [
        (member, at[frame])
        for member, frame in zip(one.tolist(), evidence.frame_M[one].tolist(), strict=True)
        if frame in at
    ]
    on = sum(evidence.apart(*pair) < _ON_ANOTHER for pair in shared)
    return on >= _ON_ANOTHER_SHARE * len(one)


def _appearance_order(members: Indices, evidence: Evidence) -> tuple[int, float, float]:
    first = members[0]
    x0, y0 = evidence.box_M4[first, :2]
    return int(evidence.frame_M[first]), float(x0), float(y0)


def _track(number: int, members: Indices, detections: Detections) -> Track:
    sides = np.maximum(detections.box_M4[members, 2:] - detections.box_M4[members, :2], 0)
    return Track(
        id=number,
        detections=members,
        size_px=np.asarray(np.sqrt(sides.prod(axis=1)), np.float32),
        confidence=detections.confidence_MK[members].mean(axis=1),
    )
