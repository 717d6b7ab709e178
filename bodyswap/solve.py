"""Solve: from everyone seen in a shot to one performer, in every frame, as the subject.

Tracks are linked over the whole shot from detections of any sharding; the performer is followed,
short gaps are filled, the path is smoothed without lag, and the poses are retargeted.
It does not know pixels. Shape letters: N frames, M detections, K joints.
"""

from dataclasses import asdict, dataclass

import numpy as np

from bodyswap.choice import PerformerChoice
from bodyswap.config import SolveSettings
from bodyswap.errors import NoPerformerError
from bodyswap.keypoints.gaps import fill_gaps
from bodyswap.keypoints.performer import choose_performer, spread_track
from bodyswap.keypoints.smoothing import smooth
from bodyswap.keypoints.tracks import TrackSummary, link_tracks, summarise
from bodyswap.people import Detections, PoseSequence, Presence
from bodyswap.retarget import measure_stance, retarget
from bodyswap.stance import StanceStatistics
from bodyswap.timing import FrameRange


@dataclass(frozen=True, kw_only=True)
class PlateShape:
    """What solving must know of the plate."""

    width: int
    height: int
    rate: float


@dataclass(frozen=True, kw_only=True)
class SolveReport:
    """What was found of the performer, in frames, and whoever else was seen."""

    frames: int
    tracks: int
    present: int
    interpolated: int
    absent: int
    performer: int
    people: tuple[TrackSummary, ...]

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Solution:
    """The performer's poses in the plate's pixels, and the same motion in the subject's."""

    performer: PoseSequence
    subject: PoseSequence
    report: dict[str, object]


def solve(
    detections: Detections,
    frames: FrameRange,
    *,
    plate: PlateShape,
    stance: StanceStatistics,
    settings: SolveSettings,
) -> Solution:
    """One performer's poses over `frames`, and what the subject is to do.

    Raises:
        NoPerformerError: nobody was seen in any frame, or not the one asked for.
        PlateError: the frame in which the performer was pointed at is none of the shot's.
    """
    performer, report = follow_performer(detections, frames, plate=plate, settings=settings)
    if not settings.retarget:
        subject = _resized(performer, stance.width / plate.width, stance.height / plate.height)
    else:
        measured = measure_stance(
            performer, width=plate.width, height=plate.height, rate=plate.rate
        )
        subject = retarget(performer, measured, stance, rate=plate.rate)
    return Solution(performer=performer, subject=subject, report=report.to_dict())


def follow_performer(
    detections: Detections, frames: FrameRange, *, plate: PlateShape, settings: SolveSettings
) -> tuple[PoseSequence, SolveReport]:
    """The performer's poses: short gaps filled, smoothed; longer gaps absent (confidence 0)."""
    tracks = link_tracks(detections, rate=plate.rate)
    if not tracks:
        raise NoPerformerError(
            f"no person was found in frames {frames} of the plate; check that one is in full view,"
            " or name another pose model with --set pose.model=…"
        )
    chosen = choose_performer(
        tracks, detections, frames, PerformerChoice.parse(settings.performer), rate=plate.rate
    )
    seen = spread_track(chosen, detections, frames, least_confidence=settings.least_confidence)
    filled = fill_gaps(seen, int(settings.longest_gap_s * plate.rate))
    presence_N = filled.presence_N
    report = SolveReport(
        frames=len(frames),
        tracks=len(tracks),
        present=int((presence_N == Presence.PRESENT).sum()),
        interpolated=int((presence_N == Presence.INTERPOLATED).sum()),
        absent=int((presence_N == Presence.ABSENT).sum()),
        performer=chosen.id,
        people=tuple(summarise(track, detections) for track in tracks),
    )
    return smooth(filled, settings.smoothing_s * plate.rate / 2), report


def _resized(poses: PoseSequence, by_width: float, by_height: float) -> PoseSequence:
    """The same poses in a picture of another size."""
    factors = np.array([by_width, by_height], np.float32)
    return PoseSequence(
        skeleton=poses.skeleton,
        frames=poses.frames,
        keypoints_NK2=poses.keypoints_NK2 * factors,
        confidence_NK=poses.confidence_NK,
    )
