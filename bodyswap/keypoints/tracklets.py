"""Tracklets: runs of detections, frame to frame, that are certainly one person's.

It does not know who is who over an occlusion: where two links are nearly as good, as when people
cross, the runs end, and `stitching` decides with the whole shot in view.

Shape letters: M detections, K joints, T tracklets, F people of one frame, 2 = x and y (pixels).
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from bodyswap.keypoints.boxes import SURE, box_overlap
from bodyswap.keypoints.evidence import Evidence, Indices, look_distance
from bodyswap.skeleton import Floats

_MOST_MISSING_S = 0.1
_FARTHEST = 0.35
"""In heights: how far from where they were expected somebody may be in the next frame."""
_STRANGEST_LOOK = 9.0
_OVERLAP_WEIGHT = 0.15
_LOOK_WEIGHT = 0.02
_MARGIN = 0.07
"""A link is certain where it is better than any other of either end by this."""
_VELOCITY_MEMBERS = 4


@dataclass(kw_only=True)
class _Growing:
    members: list[int] = field(default_factory=list)


def link_tracklets(evidence: Evidence, *, rate: float) -> list[Indices]:
    """Members of every tracklet, in time; every detection that is no double is in one of them."""
    most_missing = max(1, round(_MOST_MISSING_S * rate))
    done: list[_Growing] = []
    alive: list[_Growing] = []
    for found in evidence.frames():
        frame = int(evidence.frame_M[found[0]])
        late = [one for one in alive if frame - _last_frame(one, evidence) > most_missing + 1]
        done += late
        alive = [one for one in alive if one not in late]
        links, ended = _certain_links(alive, found, evidence)
        for index, detection in links.items():
            alive[index].members.append(detection)
        fresh = [one for one in found.tolist() if one not in links.values()]
        done += [alive[index] for index in ended]
        alive = [one for index, one in enumerate(alive) if index not in ended]
        alive += [_Growing(members=[one]) for one in fresh]
    return [np.array(one.members, np.int64) for one in done + alive]


def _certain_links(
    alive: list[_Growing], found: Indices, evidence: Evidence
) -> tuple[dict[int, int], set[int]]:
    """Detections by tracklet, and the tracklets that end here because it is not certain whose."""
    if not alive:
        return {}, set()
    cost_TF = np.array([_costs(one, found, evidence) for one in alive])
    finite = np.where(np.isfinite(cost_TF), cost_TF, 1e6)
    links: dict[int, int] = {}
    ended: set[int] = set()
    for row, column in zip(*linear_sum_assignment(finite), strict=True):
        best = cost_TF[row, column]
        if not np.isfinite(best):
            continue
        rivals = np.append(np.delete(cost_TF[row], column), np.delete(cost_TF[:, column], row))
        if (rivals < best + _MARGIN).any():
            ended |= {int(one) for one in np.flatnonzero(cost_TF[:, column] < best + _MARGIN)}
            ended.add(int(row))
        else:
            links[int(row)] = int(found[column])
    return {row: one for row, one in links.items() if row not in ended}, ended


def _costs(growing: _Growing, found: Indices, evidence: Evidence) -> Floats:
    """What it costs (F) to say each of the people found is this tracklet's; infinite: no."""
    last = growing.members[-1]
    steps = int(evidence.frame_M[found[0]] - evidence.frame_M[last])
    expected_K2 = evidence.keypoints_MK2[last] + _velocity(growing, evidence) * steps
    moved_2 = (expected_K2 - evidence.keypoints_MK2[last]).mean(axis=0)
    box_4 = evidence.box_M4[last] + np.tile(moved_2, 2)
    height = evidence.height_M[last]
    costs = []
    for one in found.tolist():
        weight_K = np.minimum(evidence.confidence_MK[last], evidence.confidence_MK[one])
        away_K = np.linalg.norm(expected_K2 - evidence.keypoints_MK2[one], axis=1) / height
        apart = float((away_K * weight_K).sum() / max(weight_K.sum(), 1e-6))
        strange = look_distance(evidence.look_MD[last], evidence.look_MD[one])
        strange = 1.0 if np.isnan(strange) else strange
        if apart > _FARTHEST * max(1.0, steps / 2) or strange > _STRANGEST_LOOK:
            costs.append(np.inf)
            continue
        overlap = box_overlap(box_4, evidence.box_M4[one])
        costs.append(apart + _OVERLAP_WEIGHT * (1 - overlap) + _LOOK_WEIGHT * strange)
    return np.array(costs, np.float32)


def _velocity(growing: _Growing, evidence: Evidence) -> Floats:
    """Each joint's motion (K, 2) a frame: half its own, half the body's, which is steadier."""
    recent = growing.members[-_VELOCITY_MEMBERS:]
    first, last = recent[0], recent[-1]
    if first == last:
        return np.zeros_like(evidence.keypoints_MK2[last])
    frames = float(evidence.frame_M[last] - evidence.frame_M[first])
    moved_K2 = (evidence.keypoints_MK2[last] - evidence.keypoints_MK2[first]) / frames
    sure_K = (evidence.confidence_MK[[first, last]] >= SURE).all(axis=0)
    body_2 = moved_K2[sure_K].mean(axis=0) if sure_K.any() else np.zeros(2, np.float32)
    moved_K2[~sure_K] = body_2
    return np.asarray((moved_K2 + body_2) / 2, np.float32)


def _last_frame(growing: _Growing, evidence: Evidence) -> int:
    return int(evidence.frame_M[growing.members[-1]])
