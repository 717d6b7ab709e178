"""Stitching: which tracklets of a shot are one person, over occlusions and absences.

It does not know frames in between, nor pictures. Solid tracklets are linked end to start by the
cheapest assignment of all at once, again and again, since a longer piece is known better; then the
short ones, most of them of moments when people cross, are put where they fit. Pieces that share a
frame are never one person's.

A link's cost is a negative log likelihood: how far the later piece is from where a body moving as
the earlier one would be (constant velocity with random acceleration), how different size and look
are, and how long nobody saw them.

Shape letters: T pieces, D appearance values, 2 = x and y (pixels); heights are the unit of motion.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from bodyswap.keypoints.evidence import Evidence, Indices, look_distance
from bodyswap.skeleton import Floats

_SOLID_S = 0.2
_END_S = 0.35
_PLACE_SIGMA = 0.05
_SPEED_SIGMA = 0.25
_WANDER = 1.0
"""Random acceleration, in heights squared a cubed second."""
_MOST_MOTION = 6.0
_LEAST_MOST_MOTION = 1.5
_MOTION_FORGOTTEN_A_S = 5.0
"""Somebody long unseen may have turned round: their motion then says less and less."""
_MOST_SIZE = 3.0
_LOOK_VALUES = 4.0
"""How many independent values the colours of a person amount to."""
_LOOK_BOUNDS = (-1.5, 8.0)
_UNKNOWN_LOOK_A_S = 0.5
_WORST_LINK = 4.0


@dataclass(frozen=True, kw_only=True)
class _End:
    """How a piece moves at its first or last frames: pixels and pixels a second."""

    frame: int
    place_2: Floats
    speed_2: Floats
    height: float


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """Part of one person's track, with what tells it from others."""

    members: Indices
    first: _End
    last: _End
    look_D: Floats
    spread_D: Floats


def stitch(tracklets: list[Indices], evidence: Evidence, *, rate: float) -> list[Indices]:
    """The members of every person, in time."""
    solid_frames = max(2, round(_SOLID_S * rate))
    solid = [one for one in tracklets if len(one) >= solid_frames]
    short = [one for one in tracklets if len(one) < solid_frames]
    people = _linked(solid, evidence, rate)
    people, left = _filled(people, short, evidence, rate)
    return _linked(people + _linked(left, evidence, rate), evidence, rate)


def _linked(parts: list[Indices], evidence: Evidence, rate: float) -> list[Indices]:
    """The parts, joined end to start for as long as a link is worth it."""
    while len(parts) > 1:
        pieces = [_piece(part, evidence, rate) for part in parts]
        cost_TT = np.array([[_link_cost(a, b, rate) for b in pieces] for a in pieces])
        cost_TT = np.minimum(cost_TT, _WORST_LINK)
        rows, columns = linear_sum_assignment(cost_TT)
        after = {
            int(row): int(column)
            for row, column in zip(rows, columns, strict=True)
            if cost_TT[row, column] < _WORST_LINK
        }
        if not after:
            break
        parts = _chains(parts, after)
    return parts


def _chains(parts: list[Indices], after: dict[int, int]) -> list[Indices]:
    chains = []
    for index in range(len(parts)):
        if index in after.values():
            continue
        chain = [index]
        while chain[-1] in after:
            chain.append(after[chain[-1]])
        chains.append(np.concatenate([parts[one] for one in chain]))
    return chains


def _filled(
    people: list[Indices], short: list[Indices], evidence: Evidence, rate: float
) -> tuple[list[Indices], list[Indices]]:
    """People with the short pieces that fit into their gaps, and the pieces that fit nobody."""
    people = list(people)
    while people and short:
        cost = np.array(
            [[_fitting_cost(part, one, evidence, rate) for one in people] for part in short]
        )
        rows, columns = linear_sum_assignment(np.minimum(cost, _WORST_LINK))
        placed = [
            (int(row), int(column))
            for row, column in zip(rows, columns, strict=True)
            if cost[row, column] < _WORST_LINK
        ]
        if not placed:
            break
        for row, column in placed:
            members = np.concatenate([people[column], short[row]])
            people[column] = members[np.argsort(evidence.frame_M[members], kind="stable")]
        taken = {row for row, _ in placed}
        short = [part for index, part in enumerate(short) if index not in taken]
    return people, short


def _fitting_cost(part: Indices, person: Indices, evidence: Evidence, rate: float) -> float:
    """Mean cost of linking a short piece to what comes before and after it; infinite: no room."""
    frames = evidence.frame_M[part]
    others = evidence.frame_M[person]
    if np.isin(frames, others).any():
        return np.inf
    cut = int(np.searchsorted(others, frames[0]))
    if cut != int(np.searchsorted(others, frames[-1])):
        return np.inf
    piece = _piece(part, evidence, rate)
    costs = []
    if cut > 0:
        costs.append(_link_cost(_piece(person[:cut], evidence, rate), piece, rate))
    if cut < len(person):
        costs.append(_link_cost(piece, _piece(person[cut:], evidence, rate), rate))
    return float(np.mean(costs))


def _link_cost(earlier: _Piece, later: _Piece, rate: float) -> float:
    gap_s = (later.first.frame - earlier.last.frame) / rate
    if gap_s <= 0:
        return np.inf
    cost = _motion_cost(earlier.last, later.first, gap_s)
    ratio = np.log(later.first.height / earlier.last.height)
    cost += min(0.5 * (ratio / (0.12 + 0.1 * gap_s)) ** 2, _MOST_SIZE)
    cost += 0.5 * np.log1p(gap_s / 0.1)
    spread_D = np.hypot(earlier.spread_D, later.spread_D)
    strange = look_distance(earlier.look_D, later.look_D, spread_D)
    if np.isnan(strange):
        return float(cost + _UNKNOWN_LOOK_A_S * gap_s)
    return float(cost + np.clip(_LOOK_VALUES / 2 * (strange - 1), *_LOOK_BOUNDS))


def _motion_cost(earlier: _End, later: _End, gap_s: float) -> float:
    """Half the squared Mahalanobis distance from the motion expected, over both axes."""
    height = (earlier.height + later.height) / 2
    expected_2 = earlier.place_2 + earlier.speed_2 * gap_s
    off = np.stack([later.place_2 - expected_2, later.speed_2 - earlier.speed_2]) / height
    place, speed = 2 * _PLACE_SIGMA**2, _SPEED_SIGMA**2
    wander = _WANDER * np.array([[gap_s**3 / 3, gap_s**2 / 2], [gap_s**2 / 2, gap_s]])
    spread = wander + np.array(
        [[place + speed * gap_s**2, speed * gap_s], [speed * gap_s, 2 * speed]]
    )
    square = float((off * np.linalg.solve(spread, off)).sum())
    most = max(_MOST_MOTION - _MOTION_FORGOTTEN_A_S * gap_s, _LEAST_MOST_MOTION)
    return min(0.5 * square, most)


def _piece(members: Indices, evidence: Evidence, rate: float) -> _Piece:
    clear = members[evidence.is_clear_M[members]]
    looks = evidence.look_MD[clear if len(clear) else members]
    known_D = ~np.isnan(looks).all(axis=0)
    look_D = np.full(looks.shape[1], np.nan, np.float32)
    spread_D = np.zeros(looks.shape[1], np.float32)
    look_D[known_D] = np.nanmedian(looks[:, known_D], axis=0)
    off = np.abs(looks[:, known_D] - look_D[known_D])
    spread_D[known_D] = np.nanmedian(off, axis=0) if len(clear) else 2 * np.nanmedian(off, axis=0)
    return _Piece(
        members=members,
        first=_end(members, evidence, rate, at_last=False),
        last=_end(members, evidence, rate, at_last=True),
        look_D=look_D,
        spread_D=spread_D,
    )


def _end(members: Indices, evidence: Evidence, rate: float, *, at_last: bool) -> _End:
    """The straight line through the torso's last places, at the end itself."""
    frames = evidence.frame_M[members]
    frame = int(frames[-1] if at_last else frames[0])
    near = members[np.abs(frames - frame) <= max(1, round(_END_S * rate))]
    time_s = (evidence.frame_M[near] - frame) / rate
    places = evidence.centre_M2[near]
    if len(near) < 3:
        index = -1 if at_last else 0
        speed, place = np.zeros(2), places[index]
    else:
        (speed, place) = np.polyfit(time_s, places, 1)
    return _End(
        frame=frame,
        place_2=np.asarray(place, np.float32),
        speed_2=np.asarray(speed, np.float32),
        height=float(np.median(evidence.height_M[near])),
    )
