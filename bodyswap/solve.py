"""Solve: from everyone seen in a shot to one performer, in every frame, as the subject.

Tracks are linked over the whole shot from detections of any sharding; the performer is followed,
short gaps are filled, the path is smoothed without lag, and the poses are retargeted.
It does not know pixels. Shape letters: N frames, M detections, K joints.
"""

from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from bodyswap.config import SolveSettings
from bodyswap.errors import NoPerformerError
from bodyswap.retarget import measure_stance, retarget
from bodyswap.skeleton import Detections, Floats, PoseSequence
from bodyswap.stance import StanceStatistics
from bodyswap.timing import FrameRange
from bodyswap.tracks import Track, link_tracks


@dataclass(frozen=True, kw_only=True)
class PlateShape:
    """What solving must know of the plate."""

    width: int
    height: int
    rate: float


@dataclass(frozen=True, kw_only=True)
class SolveReport:
    """What was found of the performer, in frames."""

    frames: int
    tracks: int
    present: int
    interpolated: int
    absent: int

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
        NoPerformerError: nobody was seen in any frame.
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
    tracks = link_tracks(detections, most_missing=round(plate.rate))
    if not tracks:
        raise NoPerformerError(
            f"no person was found in frames {frames} of the plate; check that one is in full view,"
            " or name another pose model with --set pose.model=…"
        )
    chosen = max(tracks, key=_presence)
    seen = _spread(chosen, detections, frames, settings.least_confidence)
    gap = int(settings.longest_gap_s * plate.rate)
    filled = _fill_gaps(seen, gap)
    was_seen, is_there = _has_joints(seen), _has_joints(filled)
    report = SolveReport(
        frames=len(frames),
        tracks=len(tracks),
        present=int(was_seen.sum()),
        interpolated=int((is_there & ~was_seen).sum()),
        absent=int((~is_there).sum()),
    )
    return _smooth(filled, settings.smoothing_s * plate.rate / 2), report


def _resized(poses: PoseSequence, by_width: float, by_height: float) -> PoseSequence:
    """The same poses in a picture of another size."""
    factors = np.array([by_width, by_height], np.float32)
    return PoseSequence(
        skeleton=poses.skeleton,
        frames=poses.frames,
        keypoints_NK2=poses.keypoints_NK2 * factors,
        confidence_NK=poses.confidence_NK,
    )


def _presence(track: Track) -> float:
    return float(track.size_px.sum() * track.confidence.mean())


def _spread(
    track: Track, detections: Detections, frames: FrameRange, least_confidence: float
) -> PoseSequence:
    """The track's poses at every frame of the range; joints not trusted have confidence 0."""
    shape = (len(frames), len(detections.skeleton.joints))
    keypoints, confidence = np.zeros((*shape, 2), np.float32), np.zeros(shape, np.float32)
    rows = detections.frame_M[track.detections] - frames.start
    inside = (rows >= 0) & (rows < len(frames))
    rows, picked = rows[inside], track.detections[inside]
    keypoints[rows] = detections.keypoints_MK2[picked]
    trusted = detections.confidence_MK[picked] >= least_confidence
    confidence[rows] = np.where(trusted, detections.confidence_MK[picked], 0).clip(0, 1)
    return PoseSequence(
        skeleton=detections.skeleton, frames=frames, keypoints_NK2=keypoints,
        confidence_NK=confidence,
    )  # fmt: skip


def _fill_gaps(poses: PoseSequence, longest: int) -> PoseSequence:
    """Interpolate every joint over gaps of at most `longest` frames, at half the confidence."""
    keypoints, confidence = poses.keypoints_NK2.copy(), poses.confidence_NK.copy()
    for joint in range(confidence.shape[1]):
        known = np.flatnonzero(poses.confidence_NK[:, joint] > 0)
        for before, after in pairwise(known.tolist()):
            if 1 < after - before <= longest + 1:
                inside = np.arange(before + 1, after)
                share = ((inside - before) / (after - before))[:, None]
                ends = keypoints[before, joint], keypoints[after, joint]
                keypoints[inside, joint] = ends[0] + share * (ends[1] - ends[0])
                confidence[inside, joint] = 0.5 * min(confidence[[before, after], joint])
    return PoseSequence(
        skeleton=poses.skeleton, frames=poses.frames, keypoints_NK2=keypoints,
        confidence_NK=confidence,
    )  # fmt: skip


def _smooth(poses: PoseSequence, sigma_frames: float) -> PoseSequence:
    """Zero-lag Gaussian over time, each frame weighing by its confidence; gaps are not bridged."""
    if sigma_frames <= 0 or len(poses) < 3:
        return poses
    weight = poses.confidence_NK.astype(np.float64)
    total = _blur(weight, sigma_frames)
    mixed = _blur(weight[:, :, None] * poses.keypoints_NK2, sigma_frames)
    smooth = mixed / np.maximum(total, 1e-9)[:, :, None]
    kept = np.where((weight > 0)[:, :, None], smooth, poses.keypoints_NK2)
    return PoseSequence(
        skeleton=poses.skeleton, frames=poses.frames, keypoints_NK2=kept.astype(np.float32),
        confidence_NK=poses.confidence_NK,
    )  # fmt: skip


def _blur(values: npt.NDArray[np.float64], sigma: float) -> Floats:
    return np.asarray(gaussian_filter1d(values, sigma=sigma, axis=0, mode="nearest", truncate=3.0))


def _has_joints(poses: PoseSequence) -> npt.NDArray[np.bool_]:
    return np.asarray((poses.confidence_NK > 0).any(axis=1))
