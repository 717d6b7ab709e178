"""Where a shot asks for poses the subject was not filmed in, in ranges, words and advice.

It does not know pictures or files. Shape letters: N frames, C representatives, P parts.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bodyswap.people import Mask, PoseSequence
from bodyswap.quality.coverage import PARTS, CoverageIndex, pose_set
from bodyswap.quality.pose_words import ATTITUDES, describe, what_to_film
from bodyswap.skeleton import Floats
from bodyswap.timing import FIRST_FRAME_NUMBER, FrameRange

RISKY = 0.5
_BRIDGED_S = 0.2
"""Risky frames closer together than this are one range."""
_SHORTEST_FRAMES = 2
_COMMON = 0.5
"""A word fits a range when it fits this share of its frames."""


@dataclass(frozen=True, kw_only=True)
class RiskyRange:
    """Consecutive frames, the riskiest of them, and why. `filmed` is the footage's share of poses
    that the same words fit. `first_number` is what people call the plate's first frame."""

    frames: FrameRange
    peak_frame: int
    peak_risk: float
    mean_risk: float
    words: tuple[str, ...]
    parts: tuple[str, ...]
    filmed: float
    first_number: int = FIRST_FRAME_NUMBER

    @property
    def numbers(self) -> str:
        return self.frames.numbered(self.first_number)

    @property
    def reason(self) -> str:
        words = ", ".join(self.words) or "a pose without a name"
        rare = "nothing like it" if self.filmed < 0.01 else f"{self.filmed:.0%} like it"
        where = f", most of all {' and '.join(self.parts)}" if self.parts else ""
        return f"{words}: {rare} in the footage{where}"

    @property
    def advice(self) -> str:
        return f"frames {self.numbers}: {self.reason}; film {what_to_film(self.words)}"

    def to_dict(self) -> dict[str, object]:
        return {
            "frames": self.numbers,
            "peak_frame": FrameRange(start=self.peak_frame, stop=self.peak_frame + 1).numbered(
                self.first_number
            ),
            "peak_risk": round(self.peak_risk, 3),
            "mean_risk": round(self.mean_risk, 3),
            "reason": self.reason,
            "film": what_to_film(self.words),
        }


@dataclass(frozen=True, kw_only=True)
class Risk:
    """A whole shot's risk: of each frame and part (NaN: nobody to judge), and its risky ranges."""

    frames: FrameRange
    risk_N: Floats
    part_NP: Floats
    nearest_N: npt.NDArray[np.int64]
    ranges: tuple[RiskyRange, ...]
    first_number: int = FIRST_FRAME_NUMBER

    @property
    def numbers(self) -> str:
        return self.frames.numbered(self.first_number)

    def to_dict(self) -> dict[str, object]:
        judged_N = self.risk_N[np.isfinite(self.risk_N)]
        return {
            "frames": self.numbers,
            "judged": len(judged_N),
            "risky": int((judged_N >= RISKY).sum()),
            "mean_risk": round(float(judged_N.mean()), 3) if judged_N.size else None,
            "ranges": [one.to_dict() for one in self.ranges],
            "risk": _plain(self.risk_N),
            "parts": {name: _plain(self.part_NP[:, part]) for part, name in enumerate(PARTS)},
        }

    def advice(self) -> str:
        """What to film next, a line a range, the riskiest first; or that nothing is missing."""
        if not np.isfinite(self.risk_N).any():
            return f"frames {self.numbers}: too little of the performer is seen to judge"
        if not self.ranges:
            return f"frames {self.numbers}: every pose is near one the subject was filmed in"
        ranked = sorted(self.ranges, key=lambda one: -one.mean_risk * len(one.frames))
        return "\n".join(one.advice for one in ranked)


def assess(
    poses: PoseSequence,
    index: CoverageIndex,
    *,
    rate: float,
    first_number: int = FIRST_FRAME_NUMBER,
) -> Risk:
    """The risk of poses that are already in the subject's pixels."""
    risk_N, part_NP, nearest_N = index.risk(poses)
    told = describe(pose_set(poses, index.height_px))
    filmed = describe(index.poses)
    ranges = []
    bridged = round(_BRIDGED_S * rate)
    for start, stop in _of_one_kind(_stretches(risk_N >= RISKY, bridged), told, bridged):
        peak = start + int(np.nanargmax(risk_N[start:stop]))
        words = tuple(word for word, fits in told.items() if fits[start:stop].mean() >= _COMMON)
        alike_C = np.all([filmed[word] for word in words], axis=0) & (index.count_C > 0)
        mean_P = _means(part_NP[start:stop])
        parts = [list(PARTS)[part] for part in np.argsort(-mean_P) if mean_P[part] >= RISKY]
        ranges.append(
            RiskyRange(
                first_number=first_number,
                frames=FrameRange(start=poses.frames.start + start, stop=poses.frames.start + stop),
                peak_frame=poses.frames.start + peak,
                peak_risk=float(risk_N[peak]),
                mean_risk=float(np.nanmean(risk_N[start:stop])),
                words=words,
                parts=tuple(parts[:2]),
                filmed=float(index.count_C[alike_C].sum() / index.count_C.sum()),
            )
        )
    return Risk(
        first_number=first_number,
        frames=poses.frames, risk_N=risk_N, part_NP=part_NP, nearest_N=nearest_N,
        ranges=tuple(ranges),
    )  # fmt: skip


def _stretches(risky_N: Mask, bridged_frames: int) -> list[tuple[int, int]]:
    """Runs of risky frames, near ones joined, single frames left out."""
    joined: list[tuple[int, int]] = []
    for row in np.flatnonzero(risky_N).tolist():
        if joined and row - joined[-1][1] <= bridged_frames:
            joined[-1] = joined[-1][0], row + 1
        else:
            joined.append((row, row + 1))
    return [(start, stop) for start, stop in joined if stop - start >= _SHORTEST_FRAMES]


def _of_one_kind(
    stretches: list[tuple[int, int]], told: dict[str, Mask], shortest: int
) -> list[tuple[int, int]]:
    """The stretches cut where the body turns over, so that each can be told in a few words."""
    kind_N = sum(
        (told[word] * number for number, word in enumerate(ATTITUDES, start=1)),
        start=np.zeros(len(told[ATTITUDES[0]]), np.int64),
    )
    cut = []
    for start, stop in stretches:
        begun = start
        for row in range(start + 1, stop):
            turned = kind_N[row] != kind_N[row - 1]
            if turned and row - begun > shortest and stop - row > shortest:
                cut.append((begun, row))
                begun = row
        cut.append((begun, stop))
    return cut


def _means(values_NP: Floats) -> Floats:
    known_NP = np.isfinite(values_NP)
    total_P = np.where(known_NP, values_NP, 0).sum(axis=0)
    return np.asarray(total_P / np.maximum(known_NP.sum(axis=0), 1))


def _plain(values: Floats) -> list[float | None]:
    return [round(float(value), 3) if np.isfinite(value) else None for value in values]
