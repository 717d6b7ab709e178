"""Whether the joins between a shot's parts show: the step at each, against the steps beside it.

A join shows where the picture changes more than just before and after, and the reference does not.
It does not know how a shot was cut, only the manifest that was delivered with it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bodyswap.errors import UsageError
from bodyswap.quality.metrics import FrameQuality, QualityReport
from bodyswap.timing import FIRST_FRAME_NUMBER, FrameRange

NEIGHBOURS = 3
"""So many steps on either side of a join tell what is usual there."""
_LEAST_GREY = 0.05
"""A smaller step than this is none: its ratio to another would be noise."""


@dataclass(frozen=True, kw_only=True)
class JoinQuality:
    """One join: the number of the frame after it, and its step as a multiple of its neighbours'.

    1 is a step like any other. `change` is of the whole picture; `warping_error` is what is left of
    it along the reference's motion, and shows joins that motion hides. None: it cannot be told.
    """

    frame: int
    change: float | None
    reference_change: float | None
    warping_error: float | None
    reference_warping_error: float | None

    @property
    def excess(self) -> float | None:
        """How many times larger the render's step is than the reference's; 1 is unseen.

        By whichever of change and warping error shows it more.
        """
        pairs = (
            (self.change, self.reference_change),
            (self.warping_error, self.reference_warping_error),
        )
        known = [ours / true for ours, true in pairs if ours is not None and true is not None]
        return max(known, default=None)

    def to_dict(self) -> dict[str, object]:
        return {**asdict(self), "excess": self.excess}


def measure_joins(
    report: QualityReport, frames: FrameRange, joins: Sequence[int]
) -> tuple[JoinQuality, ...]:
    """Each join's quality; `frames` are the shot's, `joins` the plate's index after each join."""
    places = [index - frames.start for index in joins]
    return tuple(
        JoinQuality(
            frame=place + frames.start + FIRST_FRAME_NUMBER,
            change=_ratio(report.frames, "change", place, places),
            reference_change=_ratio(report.frames, "reference_change", place, places),
            warping_error=_ratio(report.frames, "warping_error", place, places),
            reference_warping_error=_ratio(report.frames, "reference_warping_error", place, places),
        )
        for place in places
    )


def read_joins(manifest: Path, frames: FrameRange) -> tuple[int, ...]:
    """The first frame of every part but the first, from a delivery's manifest.

    Raises:
        UsageError: the file is no manifest, or is of other frames than `frames`.
    """
    try:
        told = json.loads(manifest.read_text())
        whole = _range(told["frames"])
        parts = sorted(_range(part["frames"]) for part in told["parts"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{manifest} is not the manifest.json of a delivery ({error}); fetch the job again"
        ) from error
    if len(whole) != len(frames):
        raise UsageError(
            f"{manifest} is of {len(whole)} frames, {whole}, but {len(frames)} are compared; give"
            " --frames as the shot was rendered"
        )
    return tuple(part.start - whole.start + frames.start for part in parts[1:])


def tell_joins(joins: Sequence[JoinQuality]) -> str:
    """One line for people."""
    known = [(join.excess, join.frame) for join in joins if join.excess is not None]
    if not known:
        return f"joins: {len(joins)}; none could be measured" if joins else "no joins"
    worst, frame = max(known)
    typical = float(np.median([excess for excess, _ in known]))
    return (
        f"joins: {len(joins)}; the step at one is {typical:.2f} times the reference's, at worst"
        f" {worst:.2f} at frame {frame}"
    )


def _ratio(
    frames: Sequence[FrameQuality], name: str, place: int, joins: Sequence[int]
) -> float | None:
    """The score at `place` over the mean of its neighbours', other joins not counted."""
    near = range(max(0, place - NEIGHBOURS), min(len(frames), place + NEIGHBOURS + 1))
    beside = [getattr(frames[index], name) for index in near if index not in joins]
    known = [score for score in beside if score is not None]
    here = getattr(frames[place], name)
    if here is None or not known:
        return None
    return float(max(here, _LEAST_GREY) / max(float(np.mean(known)), _LEAST_GREY))


def _range(told: dict[str, int]) -> FrameRange:
    return FrameRange(start=int(told["start"]), stop=int(told["stop"]))
