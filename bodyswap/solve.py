"""Solve: from everyone seen in a shot to one performer, in every frame, as the subject.

    tracks -> performer -> swaps and spikes repaired -> short gaps filled -> smoothed -> retargeted

Tracks are linked over the whole shot from detections of any sharding; every frame of the shot has
a pose record, and none is moved in time.
It does not know pixels. Shape letters: N frames, M detections, K joints.
"""

from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt

from bodyswap.choice import PerformerChoice
from bodyswap.config import SolveSettings
from bodyswap.errors import NoPerformerError
from bodyswap.homography import Homographies, apply_homography, to_first_frame
from bodyswap.keypoints.gaps import fill_gaps
from bodyswap.keypoints.one_euro import filter_stream
from bodyswap.keypoints.performer import choose_performer, spread_track
from bodyswap.keypoints.smoothing import smooth
from bodyswap.keypoints.spikes import drop_spikes
from bodyswap.keypoints.steadiness import Steadiness, compare_steadiness
from bodyswap.keypoints.swaps import untangle
from bodyswap.keypoints.tracks import Track, TrackSummary, link_tracks, summarise
from bodyswap.people import Detections, PoseSequence, Presence
from bodyswap.retarget import measure_stance, retarget
from bodyswap.stance import StanceStatistics
from bodyswap.timing import FIRST_FRAME_NUMBER, FrameRange, Timeline

Floats64 = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class PlateShape:
    """What solving must know of the plate. Without a `timeline`, frames come evenly at `rate`.

    `first_number` is what people call its first frame.
    """

    width: int
    height: int
    rate: float
    timeline: Timeline | None = None
    first_number: int = FIRST_FRAME_NUMBER

    def times_s(self, frames: FrameRange) -> Floats64:
        """When each of the frames is shown, in seconds."""
        if self.timeline is None:
            return np.arange(frames.start, frames.stop) / self.rate
        return np.array(self.timeline.cut(frames).times_s, np.float64)


@dataclass(frozen=True, kw_only=True)
class SolveReport:
    """What was found of the performer, in frames, what was done to them, and who else is there.

    Joints are counted frame by frame; `steadiness` tells what smoothing did.
    """

    frames: int
    tracks: int
    present: int
    interpolated: int
    absent: int
    performer: int
    people: tuple[TrackSummary, ...]
    joints_seen: int
    joints_swapped_back: int
    joints_not_believed: int
    joints_filled: int
    cuts: tuple[int, ...]
    steadiness: Steadiness

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Solution:
    """The performer's poses in the plate's pixels, and the same motion in the subject's."""

    performer: PoseSequence
    subject: PoseSequence
    report: dict[str, object]
    recipe: bytes | None = None
    """How to replace the performer in the plate (see `replacing.recipe`), where that is asked."""


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
    subject = as_subject(
        performer, detections.camera_over(frames), plate=plate, stance=stance, settings=settings
    )
    return Solution(performer=performer, subject=subject, report=report.to_dict())


def solve_given(
    performer: PoseSequence,
    camera_N33: Homographies | None,
    *,
    plate: PlateShape,
    stance: StanceStatistics,
    settings: SolveSettings,
) -> Solution:
    """What the subject is to do, from poses that somebody has looked at: none is changed.

    Raises:
        NoPerformerError: the poses show nobody in any frame.
    """
    presence_N = performer.presence_N
    if not presence_N.any():
        numbers = performer.frames.numbered(plate.first_number)
        raise NoPerformerError(
            f"the poses given show nobody in frames {numbers};"
            " set `present` and confidences where the performer is"
        )
    report: dict[str, object] = {
        "poses": "given",
        "frames": len(performer),
        "cuts": performer.cuts,
        **{level.name.lower(): int((presence_N == level).sum()) for level in Presence},
    }
    subject = as_subject(performer, camera_N33, plate=plate, stance=stance, settings=settings)
    return Solution(performer=performer, subject=subject, report=report)


def as_subject(
    performer: PoseSequence,
    camera_N33: Homographies | None,
    *,
    plate: PlateShape,
    stance: StanceStatistics,
    settings: SolveSettings,
) -> PoseSequence:
    """The performer's poses in the subject's pixels: retargeted, or only resized.

    `camera_N33` is the camera's motion over the performer's frames (see `Detections`).
    """
    resized = _resized(performer, stance.width / plate.width, stance.height / plate.height)
    if not settings.retarget:
        return resized
    scenes = []
    for scene, unmeasured in zip(performer.scenes, resized.scenes, strict=True):
        if not scene.presence_N.any():
            scenes.append(unmeasured)
            continue
        low, high = (at - performer.frames.start for at in (scene.frames.start, scene.frames.stop))
        motion_N33 = None if camera_N33 is None else camera_N33[low:high]
        still = _seen_by_a_still_camera(scene, motion_N33)
        measured = measure_stance(still, width=plate.width, height=plate.height, rate=plate.rate)
        scenes.append(retarget(still, measured, stance, rate=plate.rate))
    return PoseSequence.joined(scenes)


def follow_performer(
    detections: Detections, frames: FrameRange, *, plate: PlateShape, settings: SolveSettings
) -> tuple[PoseSequence, SolveReport]:
    """The performer's poses: short gaps filled, smoothed; longer gaps absent (confidence 0).

    What lies between the detections' cuts is cleaned for itself.
    """
    tracks = find_people(detections, frames, plate=plate)
    choice = PerformerChoice.parse(settings.performer)
    chosen = choose_performer(
        tracks, detections, frames, choice, rate=plate.rate, first_number=plate.first_number
    )
    seen = spread_track(chosen, detections, frames, least_confidence=settings.least_confidence)
    seen = replace(
        seen, cuts=tuple(cut for cut in detections.cuts if frames.start < cut < frames.stop)
    )
    cleaned = [_clean(scene, plate.times_s(scene.frames), settings) for scene in seen.scenes]
    untangled, believed, filled, smoothed = (
        PoseSequence.joined(parts) for parts in zip(*cleaned, strict=True)
    )
    times_s = plate.times_s(frames)
    presence_N = smoothed.presence_N
    report = SolveReport(
        frames=len(frames),
        tracks=len(tracks),
        present=int((presence_N == Presence.PRESENT).sum()),
        interpolated=int((presence_N == Presence.INTERPOLATED).sum()),
        absent=int((presence_N == Presence.ABSENT).sum()),
        performer=chosen.id,
        people=tuple(summarise(track, detections, plate.first_number) for track in tracks),
        joints_seen=_joints(seen),
        joints_swapped_back=int((untangled.keypoints_NK2 != seen.keypoints_NK2).any(axis=2).sum()),
        joints_not_believed=_joints(untangled) - _joints(believed),
        joints_filled=_joints(filled) - _joints(believed),
        cuts=smoothed.cuts,
        steadiness=compare_steadiness(filled, smoothed, times_s),
    )
    return smoothed, report


def _clean(
    seen: PoseSequence, times_s: Floats64, settings: SolveSettings
) -> tuple[PoseSequence, PoseSequence, PoseSequence, PoseSequence]:
    """The poses after each step: swaps mended, spikes dropped, gaps filled, smoothed."""
    untangled = untangle(seen, times_s, settings.longest_gap_s)
    believed = drop_spikes(untangled, times_s)
    filled = fill_gaps(believed, times_s, settings.longest_gap_s)
    return untangled, believed, filled, _smoothed(filled, times_s, settings)


def find_people(detections: Detections, frames: FrameRange, *, plate: PlateShape) -> list[Track]:
    """Everybody, by id, from 1 on.

    Raises:
        NoPerformerError: nobody was seen in any frame.
    """
    tracks = link_tracks(detections, rate=plate.rate)
    if not tracks:
        raise NoPerformerError(
            f"no person was found in frames {frames.numbered(plate.first_number)} of the plate;"
            " check that one is in full view, or name another pose model with --set pose.model=…"
        )
    return tracks


def _smoothed(poses: PoseSequence, times_s: Floats64, settings: SolveSettings) -> PoseSequence:
    match settings.smoothing:
        case "zero-lag":
            return smooth(poses, times_s, settings.smoothing_s)
        case "one-euro":
            return filter_stream(poses, times_s, settings.smoothing_s)
        case _:
            return poses


def _joints(poses: PoseSequence) -> int:
    """How many joints there are, over all frames."""
    return int((poses.confidence_NK > 0).sum())


def _seen_by_a_still_camera(poses: PoseSequence, camera_N33: Homographies | None) -> PoseSequence:
    """The poses as a camera that kept still as in the shot's first frame would have seen them.

    The subject's camera does not move, so what they do is the performer's motion past the
    background, not past the edge of the picture.
    """
    if camera_N33 is None or (camera_N33 == np.eye(3)).all():
        return poses
    pairs = zip(to_first_frame(camera_N33), poses.keypoints_NK2, strict=True)
    return replace(poses, keypoints_NK2=np.stack([apply_homography(*pair) for pair in pairs]))


def _resized(poses: PoseSequence, by_width: float, by_height: float) -> PoseSequence:
    """The same poses in a picture of another size."""
    factors = np.array([by_width, by_height], np.float32)
    return replace(poses, keypoints_NK2=poses.keypoints_NK2 * factors)
