"""Put what was solved with a range's own settings into the shot's solution.

Pure. Inside the range, poses pass from one solution to the other over a few frames at its ends, so
that a setting of a range makes no jump; outside it not a bit changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bodyswap.people import PoseSequence
from bodyswap.timing import FrameRange
from cluster.workers.stages import Solution

_PASSING_FRAMES = 4
"""At either end of a range, where the shot goes on beyond it."""


@dataclass(frozen=True, kw_only=True)
class Spliced:
    """A solution made of several."""

    performer: PoseSequence
    subject: PoseSequence
    report: Mapping[str, object]
    recipe: bytes | None


def spliced(whole: Solution, parts: Sequence[tuple[FrameRange, Solution]]) -> Spliced:
    """`whole`, with each part's frames out of the part's own solution; the report tells of both."""
    performer, subject, reports = whole.performer, whole.subject, []
    for frames, part in parts:
        performer = _put_in(performer, part.performer, frames)
        subject = _put_in(subject, part.subject, frames)
        reports.append({"frames": str(frames), "report": part.report})
    return Spliced(
        performer=performer,
        subject=subject,
        report={**whole.report, "ranges": reports},
        recipe=whole.recipe,
    )


def _put_in(whole: PoseSequence, part: PoseSequence, frames: FrameRange) -> PoseSequence:
    rows = slice(frames.start - whole.frames.start, frames.stop - whole.frames.start)
    weight_N11 = _weights(whole, frames)[:, None, None]
    there_NK1 = ((whole.confidence_NK[rows] > 0) & (part.confidence_NK[rows] > 0))[..., None]
    old_NK2, new_NK2 = whole.keypoints_NK2[rows], part.keypoints_NK2[rows]
    passing_NK2 = old_NK2 + weight_N11 * (new_NK2 - old_NK2)
    keypoints_NK2 = whole.keypoints_NK2.copy()
    # A joint that only one solution has is nowhere in between.
    keypoints_NK2[rows] = np.where(there_NK1 & (weight_N11 < 1), passing_NK2, new_NK2)
    confidence_NK = whole.confidence_NK.copy()
    confidence_NK[rows] = part.confidence_NK[rows]
    filled_NK = None
    if whole.filled_NK is not None or part.filled_NK is not None:
        filled_NK = _filled(whole).copy()
        filled_NK[rows] = _filled(part)[rows]
    return replace(
        whole, keypoints_NK2=keypoints_NK2, confidence_NK=confidence_NK, filled_NK=filled_NK
    )


def _weights(
    whole: PoseSequence, frames: FrameRange
) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """How much of each frame is the part's: rising over its first frames, falling over its last."""
    at_N = np.arange(frames.start, frames.stop)
    weights_N = np.ones(len(frames), np.float32)
    joins = {whole.frames.start, whole.frames.stop, *whole.cuts}
    if frames.start not in joins:
        weights_N = np.minimum(weights_N, (at_N - frames.start + 1) / (_PASSING_FRAMES + 1))
    if frames.stop not in joins:
        weights_N = np.minimum(weights_N, (frames.stop - at_N) / (_PASSING_FRAMES + 1))
    return weights_N.astype(np.float32)


def _filled(poses: PoseSequence) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    return np.zeros(poses.confidence_NK.shape, bool) if poses.filled_NK is None else poses.filled_NK
