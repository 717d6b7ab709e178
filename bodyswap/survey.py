"""Survey a plate: who is in it, which of them performs, and their poses, before a pixel is made.

    pose pass -> tracks -> performer -> poses.npz, tracks.png, pose-report.json

It does not know stores or subjects; `forecast` compares what is found here with a subject.
Shape letters: N frames, M detections.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bodyswap.choice import PerformerChoice
from bodyswap.config import RenderSettings
from bodyswap.decode import picture_at
from bodyswap.errors import InputError, NoPerformerError
from bodyswap.folders import check_writable
from bodyswap.homography import Homographies
from bodyswap.keypoints.performer import choose_performer
from bodyswap.keypoints.posefile import POSE_FILE, write_pose_file
from bodyswap.keypoints.tracks import Track
from bodyswap.media.index import ClipIndex, as_set, index_clip
from bodyswap.passes.fitting import plate_shape
from bodyswap.people import Detections, PoseSequence, Presence
from bodyswap.pipeline import Pipeline
from bodyswap.quality.comparison import write_picture
from bodyswap.quality.tracks_picture import (
    FrameSeen,
    PersonSeen,
    TrackRow,
    choose_frames,
    draw_tracks,
)
from bodyswap.solve import PlateShape, SolveReport, find_people, follow_performer
from bodyswap.timing import FrameRange

PICTURE = "tracks.png"
REPORT = "pose-report.json"
_FRAMES_OF_NOBODY = 4


@dataclass(frozen=True, kw_only=True)
class TrackFound:
    """One person over the shot: their rows of the detections, and where they are and are not."""

    id: int
    detections: npt.NDArray[np.int64]
    presence_N: npt.NDArray[np.int8]
    confidence: float
    height_px: float
    is_performer: bool

    @property
    def seen(self) -> int:
        """In how many frames."""
        return int((self.presence_N == Presence.PRESENT).sum())

    def extent(self, frames: FrameRange) -> FrameRange:
        """From the first frame they are seen in to the last."""
        rows = np.flatnonzero(self.presence_N) + frames.start
        return FrameRange(start=int(rows[0]), stop=int(rows[-1]) + 1)

    def facts(self) -> str:
        return f"{self.seen} frames, {self.confidence:.2f}, {self.height_px:.0f} px"

    def to_dict(self, frames: FrameRange, first_number: int) -> dict[str, object]:
        return {
            "id": self.id,
            "performer": self.is_performer,
            "frames": self.extent(frames).numbered(first_number),
            "seen": self.seen,
            "interpolated": int((self.presence_N == Presence.INTERPOLATED).sum()),
            "confidence": round(self.confidence, 3),
            "height_px": round(self.height_px, 1),
        }


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What was found in `frames` of the clip; `performer` is in the plate's pixels."""

    clip: ClipIndex
    frames: FrameRange
    tracks: tuple[TrackFound, ...]
    performer: PoseSequence
    camera_N33: Homographies | None
    report: SolveReport

    def to_dict(self) -> dict[str, object]:
        return {
            "plate": self.clip.path.name,
            "frames": self.frames.numbered(self.clip.first_number),
            "skeleton": self.performer.skeleton.name,
            "performer": next(track.id for track in self.tracks if track.is_performer),
            "tracks": [track.to_dict(self.frames, self.clip.first_number) for track in self.tracks],
            "solve": self.report.to_dict(),
        }

    def table(self) -> str:
        """One line a track, for people."""
        lines = ["    id  frames       seen  sure  height"]
        for track in self.tracks:
            mark = "->" if track.is_performer else "  "
            extent = track.extent(self.frames).numbered(self.clip.first_number)
            lines.append(
                f" {mark} {track.id:>2}  {extent:<11} {track.seen:>5}  {track.confidence:.2f}"
                f"  {track.height_px:4.0f} px"
            )
        report = self.report
        lines.append(
            f"performer: present in {report.present} frames, interpolated in"
            f" {report.interpolated}, absent in {report.absent}; choose with --performer ID"
        )
        return "\n".join(lines)


def survey_plate(
    plate: Path,
    out: Path,
    *,
    settings: RenderSettings,
    frames: str | None,
    on_frame: Callable[[int, int], None],
    pipeline: Pipeline,
) -> Survey:
    """Survey the plate, or its part `frames` ("1001-1040"), and write what is found into `out`.

    Raises:
        NoPerformerError: nobody is there; the picture then shows that.
        InputError: the plate, the frames or a setting cannot be used.
    """
    clip = as_set(index_clip(plate), settings)
    part = clip.frames if frames is None else clip.range_of(frames)
    check_writable(out)
    detections = pipeline.pose_range(
        plate, part, settings=settings, on_frame=lambda done: on_frame(done, len(part))
    )
    out.mkdir(parents=True, exist_ok=True)
    tracks = _choose(clip, part, detections, settings, out)
    performer, report = follow_performer(
        detections, part, plate=plate_shape(clip), settings=settings.solve
    )
    survey = Survey(
        clip=clip, frames=part, tracks=tracks, performer=performer,
        camera_N33=detections.camera_N33, report=report,
    )  # fmt: skip
    write_pose_file(
        out / POSE_FILE, performer, clip.timeline,
        width=clip.width, height=clip.height, camera_N33=survey.camera_N33,
        first_number=clip.first_number,
    )  # fmt: skip
    _draw(out, clip, part, detections, tracks)
    (out / REPORT).write_text(json.dumps(survey.to_dict(), indent=1) + "\n")
    return survey


def _choose(
    clip: ClipIndex, frames: FrameRange, detections: Detections, settings: RenderSettings, out: Path
) -> tuple[TrackFound, ...]:
    """All tracks, the performer's first; where there is no such person, a picture of who there is.

    Raises:
        NoPerformerError: nobody is there.
        InputError: not the one asked for.
    """
    shape = plate_shape(clip)
    try:
        people = find_people(detections, frames, plate=shape)
    except NoPerformerError:
        _draw(out, clip, frames, detections, ())
        raise
    try:
        choice = PerformerChoice.parse(settings.solve.performer)
        chosen = choose_performer(
            people, detections, frames, choice, rate=shape.rate, first_number=shape.first_number
        )
    except InputError:
        tracks = _tracks(people, None, detections, frames, shape, settings)
        _draw(out, clip, frames, detections, tracks)
        raise
    return _tracks(people, chosen, detections, frames, shape, settings)


def _tracks(
    people: list[Track],
    chosen: Track | None,
    detections: Detections,
    frames: FrameRange,
    shape: PlateShape,
    settings: RenderSettings,
) -> tuple[TrackFound, ...]:
    """All tracks, the performer's first, then as they are the longest seen."""
    longest_gap = int(settings.solve.longest_gap_s * shape.rate)
    found = [
        _found(track, detections, frames, longest_gap, is_performer=track is chosen)
        for track in people
    ]
    return tuple(sorted(found, key=lambda track: (not track.is_performer, -track.seen, track.id)))


def _found(
    track: Track,
    detections: Detections,
    frames: FrameRange,
    longest_gap: int,
    *,
    is_performer: bool,
) -> TrackFound:
    box_M4 = detections.box_M4[track.detections]
    return TrackFound(
        id=track.id,
        detections=track.detections,
        presence_N=_presence(
            detections.frame_M[track.detections] - frames.start, frames, longest_gap
        ),
        confidence=float(track.confidence.mean()),
        height_px=float(np.median(box_M4[:, 3] - box_M4[:, 1])),
        is_performer=is_performer,
    )


def _presence(
    seen_T: npt.NDArray[np.int64], frames: FrameRange, longest_gap: int
) -> npt.NDArray[np.int8]:
    """Each frame's `Presence`, of a person seen at these offsets."""
    presence_N = np.full(len(frames), Presence.ABSENT, np.int8)
    for before, after in pairwise(seen_T.tolist()):
        if after - before <= longest_gap + 1:
            presence_N[before + 1 : after] = Presence.INTERPOLATED
    presence_N[seen_T] = Presence.PRESENT
    return presence_N


def _draw(
    out: Path,
    clip: ClipIndex,
    frames: FrameRange,
    detections: Detections,
    tracks: tuple[TrackFound, ...],
) -> None:
    rows = [
        TrackRow(
            id=track.id,
            presence_N=track.presence_N,
            facts=track.facts(),
            is_performer=track.is_performer,
        )
        for track in tracks
    ]
    shown = choose_frames(rows, frames) if rows else choose_frames(rows, frames, _FRAMES_OF_NOBODY)
    seen = [
        FrameSeen(
            index=index, rgb_HW3=picture_at(clip, index), people=_people(index, detections, tracks)
        )
        for index in shown
    ]
    write_picture(
        draw_tracks(seen, rows, frames, detections.skeleton, first_number=clip.first_number),
        out / PICTURE,
    )


def _people(
    index: int, detections: Detections, tracks: tuple[TrackFound, ...]
) -> tuple[PersonSeen, ...]:
    return tuple(
        PersonSeen(
            id=track.id,
            box_4=detections.box_M4[row],
            keypoints_K2=detections.keypoints_MK2[row],
            confidence_K=detections.confidence_MK[row],
        )
        for track in tracks
        for row in track.detections[detections.frame_M[track.detections] == index]
    )
