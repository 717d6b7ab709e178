"""Identity: how well tracks keep people apart, against the truth.

It does not know how people were tracked. Labels say, for each detection, which person or track it
is; NOBODY where none. IDF1: Ristani et al., "Performance Measures and a Data Set for Multi-Target,
Multi-Camera Tracking", 2016.

Shape letters: M detections in time, A appearances of the people in the truth, K joints.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from bodyswap.people import Detections
from bodyswap.skeleton import Floats

NOBODY = -1
_FARTHEST = 0.2
"""In sizes of the true person: a detection further from them on average is not of them."""

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class IdentityScore:
    """`switches` counts how often a person's track became another one; the rest lie in [0, 1].

    `purity` is the share of tracked detections that are of their track's main person, `idf1` the
    agreement of whole tracks with whole people.
    """

    switches: int
    purity: float
    idf1: float
    tracks: int
    people: int


def score_identities(person_M: Labels, track_M: Labels, *, appearances: int) -> IdentityScore:
    """Compare labels; `appearances` is how often the truth shows anybody, summed over frames."""
    tracked_M = track_M != NOBODY
    tracks, track_index = np.unique(track_M[tracked_M], return_inverse=True)
    people = np.unique(person_M[person_M != NOBODY])
    table = np.array(
        [[(track_index == t) & (person_M[tracked_M] == p) for t in range(len(tracks))]
         for p in people]
    ).reshape(len(people), len(tracks), -1).sum(axis=2)  # fmt: skip
    matched = table[linear_sum_assignment(-table)].sum() if table.size else 0
    switches = 0
    for person in people:
        along = track_M[(person_M == person) & tracked_M]
        switches += int((np.diff(along) != 0).sum())
    count = int(tracked_M.sum())
    return IdentityScore(
        switches=switches,
        purity=float(table.max(axis=0).sum() / count) if table.size else 0.0,
        idf1=2 * float(matched) / max(appearances + count, 1),
        tracks=len(tracks),
        people=len(people),
    )


def true_people(
    detections: Detections, truth_ANK2: Floats, visible_ANK: Floats, *, least_joints: int = 4
) -> Labels:
    """Which person (A) of the truth each detection (M) is of; NOBODY where it is of none."""
    person_M = np.full(len(detections.frame_M), NOBODY, np.int64)
    for frame in np.unique(detections.frame_M):
        members = np.flatnonzero(detections.frame_M == frame)
        row = int(frame) - detections.frames.start
        shown = np.flatnonzero((visible_ANK[:, row] > 0).sum(axis=1) >= least_joints)
        if not len(shown):
            continue
        true_A1K2 = truth_ANK2[shown, row][:, None]
        away = np.linalg.norm(true_A1K2 - detections.keypoints_MK2[members], axis=3)
        weight = visible_ANK[shown, row][:, None] + 1e-3
        size = np.ptp(true_A1K2, axis=2).max(axis=2)
        cost = (away * weight).sum(axis=2) / weight.sum(axis=2) / size
        for one, member in zip(*linear_sum_assignment(cost), strict=True):
            if cost[one, member] < _FARTHEST:
                person_M[members[member]] = shown[one]
    return person_M
