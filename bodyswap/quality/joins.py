"""Whether the joins between a shot's parts show: the error across each, against those beside it.

The error is the warping error: what is left of the step from one frame to the next once the
reference's motion is taken out of it, so neither a fast stunt nor a still one hides a seam. It does
not know how a shot was cut, only the manifest that was delivered with it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bodyswap.errors import UsageError
from bodyswap.quality.metrics import QualityReport
from bodyswap.timing import FIRST_FRAME_NUMBER, FrameRange

NEIGHBOURS = 8
"""So many steps on either side of a join tell what is usual there."""
Steps = Sequence[float | None]
"""A figure of each frame against the one before it; None where it was not measured."""
_LEAST_GREY = 0.1
"""A smaller error than this cannot be seen, and its ratio to another would be noise."""


@dataclass(frozen=True, kw_only=True)
class JoinQuality:
    """One join: the number of the frame after it, and what shows across it, in grey levels.

    `usual` and `worst_beside` are the median and the greatest warping error of its neighbours on
    both sides; `reference_ratio` is the reference's own error here over its neighbours'.
    `flicker_ratio` is the same of the still background, which a codec's pulse shows in first.
    None: it cannot be told.
    """

    frame: int
    warping_error: float | None
    usual: float | None
    worst_beside: float | None
    reference_ratio: float | None
    flicker_ratio: float | None

    @property
    def ratio(self) -> float | None:
        """The error across the join over its neighbours' median: about 1 where none can see it."""
        return _ratio(self.warping_error, self.usual)

    @property
    def excess(self) -> float | None:
        """The ratio, less by what the reference itself jumps there: a cut is no fault of a join."""
        if self.ratio is None:
            return None
        return self.ratio / max(1.0, self.reference_ratio or 1.0)

    @property
    def stands_out(self) -> bool:
        """True where the excess is more than any neighbour's: by chance, one join in seventeen."""
        beside = _ratio(self.worst_beside, self.usual)
        return self.excess is not None and beside is not None and self.excess > max(1.0, beside)

    def to_dict(self) -> dict[str, object]:
        told = {"ratio": self.ratio, "excess": self.excess, "stands_out": self.stands_out}
        return {**asdict(self), **told}


def measure_joins(
    report: QualityReport, frames: FrameRange, joins: Sequence[int]
) -> tuple[JoinQuality, ...]:
    """Each join's quality; `frames` are the shot's, `joins` the plate's index after each join."""
    places = [index - frames.start for index in joins]
    errors, true_errors, flicker = (
        [getattr(scores, name) for scores in report.frames]
        for name in ("warping_error", "reference_warping_error", "flicker")
    )
    return tuple(
        judge_join(place, places, frames, errors, true_errors=true_errors, flicker=flicker)
        for place in places
    )


def judge_join(
    place: int,
    joins: Sequence[int],
    frames: FrameRange,
    errors: Steps,
    *,
    true_errors: Steps = (),
    flicker: Steps = (),
) -> JoinQuality:
    """The join before frame `place`, counted from the shot's first as all of `joins` are.

    `errors` are each frame's, against the one before it; the others may be empty.
    """
    beside = _beside(errors, place, joins)
    return JoinQuality(
        frame=place + frames.start + FIRST_FRAME_NUMBER,
        warping_error=errors[place],
        usual=_median(beside),
        worst_beside=max(beside, default=None),
        reference_ratio=_ratio_at(true_errors, place, joins),
        flicker_ratio=_ratio_at(flicker, place, joins),
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
    loud = [str(join.frame) for join in joins if join.stands_out]
    verdict = f"above every neighbour: {', '.join(loud)}" if loud else "none above every neighbour"
    return (
        f"joins: {len(joins)}; the warping error across one is {typical:.2f} times its neighbours'"
        f" (the reference's own steps taken out), at worst {worst:.2f} at frame {frame}; {verdict}"
    )


def _beside(errors: Steps, place: int, joins: Sequence[int]) -> list[float]:
    """Those of the neighbours on both sides; other joins are none."""
    near = range(max(0, place - NEIGHBOURS), min(len(errors), place + NEIGHBOURS + 1))
    told = (errors[index] for index in near if index not in joins)
    return [float(error) for error in told if error is not None]


def _ratio_at(errors: Steps, place: int, joins: Sequence[int]) -> float | None:
    return _ratio(errors[place], _median(_beside(errors, place, joins))) if errors else None


def _median(known: Sequence[float]) -> float | None:
    return float(np.median(known)) if known else None


def _ratio(here: float | None, usual: float | None) -> float | None:
    if here is None or usual is None:
        return None
    return max(here, _LEAST_GREY) / max(usual, _LEAST_GREY)


def _range(told: dict[str, int]) -> FrameRange:
    return FrameRange(start=int(told["start"]), stop=int(told["stop"]))
