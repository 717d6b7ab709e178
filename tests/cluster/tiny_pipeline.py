"""A pipeline small enough for tests, yet real: its plates are text, its frames are numbers.

A plate is a line "plate", then a number for each frame ("nobody" where no person is seen). The
rendered number depends on the previous one, as the real generator does, so a wrong boundary state
or a missing warm-up shows. `Trouble`, a file of the subject, makes it slow, raise, or die.
"""

import json
import os
import signal
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from bodyswap.config import RenderSettings
from bodyswap.errors import NoPerformerError, PlateError, UsageError
from bodyswap.joins import Join, JoinScore, ProvenJoins, RenderedPart
from bodyswap.passes.shot_inputs import ShotInputs, SolvedShot
from bodyswap.people import Detections, PoseSequence
from bodyswap.replacement import Replacement
from bodyswap.skeleton import COCO_17
from bodyswap.timing import FrameRange
from cluster.jobs.inspection import PlateFacts, SubjectFacts

OnFrame = Callable[[int], None]
TINY_PIPELINE = "tiny_pipeline:TinyPipeline"
TICKS_A_FRAME = 512
_CARD = "card.yaml"
_TROUBLE = "trouble.json"


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What goes wrong while frame `at` is rendered; only the first time if `once` names a file."""

    kind: str = ""
    at: int = -1
    once: str = ""
    frame_s: float = 0.0
    log: str = ""


@dataclass(frozen=True, kw_only=True)
class TinySegment:
    path: Path
    frames: FrameRange
    first_pts: int
    last_pts: int
    frame_files: tuple[Path, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TinyRange:
    segment: TinySegment
    entrance: bytes
    boundary: bytes
    picture_hashes: tuple[str, ...]
    segment_map: bytes = b""
    prints: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TinySolution:
    performer: PoseSequence
    subject: PoseSequence
    report: dict[str, object] = field(default_factory=dict)
    recipe: bytes | None = None


class TinyInspector:
    def plate(self, plate: Path) -> PlateFacts:
        return PlateFacts(frame_count=len(_read_plate(plate)))

    def subject(self, folder: Path) -> SubjectFacts:
        name = (folder / _CARD).read_text().strip()
        return SubjectFacts(name=name, files=(_CARD, _TROUBLE))

    def check_settings(self, settings: RenderSettings, plate: Path) -> None:
        pass

    def check_pose_model(self, model: str, card: str) -> None:
        assert card.strip() in ("tiny", "mara"), "no card of the tests' subjects"

    def check_poses(self, poses: Path, plate: Path, frames: FrameRange, card: str) -> None:
        assert card.strip(), "a subject without a card"
        if len(_read_plate(poses)) != len(_read_plate(plate)):
            raise UsageError(f"'{poses.name}' has poses of another plate")

    def check_clean_plate(self, clean_plate: Path, plate: Path, frames: FrameRange) -> None:
        if len(_read_plate(clean_plate)) not in (1, len(_read_plate(plate))):
            raise UsageError(f"'{clean_plate.name}' is a clean plate of another plate")

    def pinned(self, settings: RenderSettings) -> RenderSettings:
        return settings


class TinyPipeline:
    def pose_range(
        self, plate: Path, frames: FrameRange, *, settings: RenderSettings, on_frame: OnFrame
    ) -> Detections:
        numbers = _read_plate(plate)
        seen = [index for index in frames if numbers[index] is not None]
        keypoints = np.zeros((len(seen), 17, 2), np.float32)
        keypoints[:, :, 0] = np.array([numbers[index] for index in seen]).reshape(-1, 1)
        on_frame(len(frames))
        return Detections(
            skeleton=COCO_17,
            frames=frames,
            frame_M=np.array(seen, np.int64),
            keypoints_MK2=keypoints,
            confidence_MK=np.ones((len(seen), 17), np.float32),
            box_M4=np.zeros((len(seen), 4), np.float32),
        )

    def solve_shot(
        self, detections: Detections, shot: ShotInputs, frames: FrameRange
    ) -> TinySolution:
        if not len(detections.frame_M):
            raise NoPerformerError(f"no person was found in {shot.plate.name}")
        assert list(detections.frame_M) == list(frames)
        poses = PoseSequence(
            skeleton=COCO_17,
            frames=frames,
            keypoints_NK2=detections.keypoints_MK2,
            confidence_NK=detections.confidence_MK,
        )
        return TinySolution(performer=poses, subject=poses, report=_told(shot.replacement))

    def solve_given_poses(self, poses: Path, shot: ShotInputs, frames: FrameRange) -> TinySolution:
        numbers = _read_plate(poses)
        keypoints = np.zeros((len(frames), 17, 2), np.float32)
        keypoints[:, :, 0] = np.array([numbers[index] for index in frames]).reshape(-1, 1)
        sequence = PoseSequence(
            skeleton=COCO_17,
            frames=frames,
            keypoints_NK2=keypoints,
            confidence_NK=np.ones((len(frames), 17), np.float32),
        )
        return TinySolution(performer=sequence, subject=sequence, report={"poses": "given"})

    def render_range(
        self,
        shot: SolvedShot,
        frames: FrameRange,
        out: Path,
        *,
        state: bytes | None,
        on_frame: OnFrame,
    ) -> TinyRange:
        poses, trouble = shot.poses, _read_trouble(shot.inputs.subject)
        started_s = time.time()
        first = frames if state else frames.with_warm_up(shot.settings.warmup_frames or 0)
        first = FrameRange(start=max(first.start, poses.frames.start), stop=first.stop)
        value = struct.unpack("<d", state)[0] if state else 0.0
        lines, entrance = [], b""
        for index in first:
            _make_trouble(trouble, index)
            if index == frames.start:
                entrance = struct.pack("<d", value)
            value = 0.5 * value + float(poses.keypoints_NK2[index - poses.frames.start, 0, 0])
            if index in frames:
                lines.append(json.dumps([index, index * TICKS_A_FRAME, value]))
                on_frame(len(lines))
        out.write_text("\n".join(lines) + "\n")
        if trouble.log:
            with Path(trouble.log).open("a") as log:
                log.write(json.dumps([os.getpid(), frames.start, started_s, time.time()]) + "\n")
        pts = [json.loads(line)[1] for line in lines]
        segment = TinySegment(path=out, frames=frames, first_pts=pts[0], last_pts=pts[-1])
        return TinyRange(
            segment=segment,
            entrance=entrance,
            boundary=struct.pack("<d", value),
            picture_hashes=tuple(str(json.loads(line)[2]) for line in lines),
        )

    def prove_joins(
        self, parts: Sequence[RenderedPart], shot: SolvedShot, folder: Path
    ) -> ProvenJoins:
        segments, joins, before = [parts[0].segment], [], parts[0].boundary
        for part in parts[1:]:
            (apart,) = np.abs(np.frombuffer(before) - np.frombuffer(part.entrance))
            segment, boundary, mended_frames = part.segment, part.boundary, 0
            if apart > shot.settings.join_tolerance:
                again = self.render_range(
                    shot, part.frames, folder / f"mended-{part.frames.start}",
                    state=before, on_frame=lambda done: None,
                )  # fmt: skip
                segment, boundary = again.segment.path, again.boundary
                mended_frames = len(part.frames)
            before = boundary
            segments.append(segment)
            score = JoinScore(block=float(apart), largest=float(apart), p99=0.0, psnr_db=None)
            joins.append(Join(frame=part.frames.start, score=score, mended_frames=mended_frames))
        return ProvenJoins(segments=tuple(segments), joins=tuple(joins))

    def see_joins(self, shot: Path, frames: FrameRange, joins: Sequence[Join]) -> Sequence[Join]:
        return joins

    def assemble_shot(
        self,
        segments: list[Path],
        plate: Path,
        frames: FrameRange,
        out: Path,
        *,
        settings: RenderSettings,
    ) -> None:
        out.write_text("".join(segment.read_text() for segment in segments))
        assert [index for index, _, _ in read_shot(out)] == list(frames)


def write_plate(path: Path, frame_count: int) -> Path:
    lines = [str((7 * index) % 13) for index in range(frame_count)]
    path.write_text("\n".join(["plate", *lines]) + "\n")
    return path


def write_poses(path: Path, plate: Path, changed: dict[int, float]) -> Path:
    """The plate's own numbers as poses, some of them corrected."""
    first, *lines = plate.read_text().splitlines()
    for index, number in changed.items():
        lines[index] = str(number)
    path.write_text("\n".join([first, *lines]) + "\n")
    return path


def write_subject(folder: Path, trouble: Trouble | None = None, *, name: str = "tiny") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _CARD).write_text(f"{name}\n")
    (folder / _TROUBLE).write_text(json.dumps(asdict(trouble or Trouble())))
    return folder


def read_shot(path: Path) -> list[tuple[int, int, float]]:
    """Index, pts and number of every frame."""
    return [tuple(json.loads(line)) for line in path.read_text().splitlines()]


def expected_shot(plate: Path, frames: FrameRange) -> list[tuple[int, int, float]]:
    """What one uninterrupted pass over `frames` renders."""
    numbers, value, shot = _read_plate(plate), 0.0, []
    for index in frames:
        value = 0.5 * value + (numbers[index] or 0.0)
        shot.append((index, index * TICKS_A_FRAME, value))
    return shot


def _told(replacement: Replacement) -> dict[str, object]:
    """What came of what was to be replaced."""
    clean, others = replacement.clean_plate, replacement.others
    cards = [each.subject and (each.subject / _CARD).read_text() for each in others]
    return {
        "people": 1 + len(others),
        "stand-ins": [card and card.strip() for card in cards],
        "clean_plate": clean and clean.read_text(),
    }


def _read_plate(path: Path) -> list[float | None]:
    first, *lines = path.read_text().splitlines()
    if first != "plate":
        raise PlateError(f"'{path.name}' is not a video")
    return [None if line == "nobody" else float(line) for line in lines]


def _read_trouble(subject: Path) -> Trouble:
    return Trouble(**json.loads((subject / _TROUBLE).read_text()))


def _make_trouble(trouble: Trouble, index: int) -> None:
    time.sleep(trouble.frame_s)
    if index != trouble.at:
        return
    if trouble.once:
        if Path(trouble.once).exists():
            return
        Path(trouble.once).touch()
    match trouble.kind:
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            time.sleep(600)
        case "bug":
            raise RuntimeError("a bug, on purpose")
        case "bad plate":
            raise PlateError("frame 1005 does not decode; the plate is damaged")
