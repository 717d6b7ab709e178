"""From footage of a consenting person to their trained subject.

    decode -> pose -> follow the performer -> crops, mattes, background -> train -> subject folder

It does not know stores; the farm publishes the folder this leaves.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bodyswap.config import RenderSettings
from bodyswap.decode import decode
from bodyswap.device import choose_device
from bodyswap.errors import UsageError
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.nets.card import Origin
from bodyswap.people import PoseSequence
from bodyswap.pipeline import OnFrame, Pipeline, plate_shape
from bodyswap.retarget import measure_stance
from bodyswap.rights.training_door import permit_training
from bodyswap.solve import follow_performer
from bodyswap.stance import StanceStatistics
from bodyswap.timing import FrameRange, parse_frame_range
from bodyswap.training.config import TrainingConfig
from bodyswap.training.finish import finish_subject
from bodyswap.training.footage import SubjectFootage, joined, prepare_footage
from bodyswap.training.loop import SUBJECT, Progress, train_subject

_HELD_OUT_SHARE = 10
"""One frame in so many, the last ones, is kept back where nothing else is asked for."""


@dataclass(frozen=True, kw_only=True)
class TrainingRequest:
    """Footage of one person from one camera, who they are, and on whose word they are learnt.

    `frames` is inclusive text such as "1001-1750"; `height` the subject's picture height, pixels.
    `hold_out` are frames of it that are never trained on, but measured; the last tenth by default.
    """

    footage: Path
    subject: str
    consent: str | None
    frames: str | None
    hold_out: str | None
    height: int
    training: TrainingConfig
    settings: RenderSettings


def train(
    request: TrainingRequest,
    out: Path,
    *,
    on_pose: Callable[[int, int], None],
    on_step: Callable[[Progress], None],
) -> Path:
    """Train until the budget is spent, going on from what `out` holds, and measure what came out.

    Returns the subject's folder.

    Raises:
        ConsentError: nobody's consent covers training on this footage.
        InputError: the footage, a setting or the state in `out` cannot be used.
    """
    footage_sha256 = (_file_sha256(request.footage),)
    consent = permit_training(request.subject, footage_sha256, request.consent)
    out.mkdir(parents=True, exist_ok=True)
    gathered = gather(request, out, on_pose=on_pose)
    device = choose_device(request.settings.device)
    train_subject(
        gathered.training,
        request.training,
        out,
        origin=Origin(
            subject=request.subject,
            consent=consent,
            footage_sha256=footage_sha256,
        ),
        stance=gathered.stance,
        on_progress=on_step,
        samples_of=gathered.held_out,
        device=device,
    )
    finish_subject(out / SUBJECT, gathered.held_out, device)
    return out / SUBJECT


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """A person's footage made ready: what is trained on, what is only measured, how they stand."""

    training: SubjectFootage
    held_out: SubjectFootage
    stance: StanceStatistics


def gather(request: TrainingRequest, out: Path, *, on_pose: Callable[[int, int], None]) -> Gathered:
    """Decode and pose the footage, and set the held-out frames apart; poses are kept in `out`.

    Raises:
        InputError: the footage or a setting cannot be used.
    """
    clip = index_clip(request.footage)
    frames = clip.frames if request.frames is None else parse_frame_range(request.frames, len(clip))
    kept_back = held_out_range(request.hold_out, frames, len(clip))
    poses = _poses(clip, frames, request, out, lambda done: on_pose(done, len(frames)))
    training, held_out = split(
        prepare_footage(decode(clip, frames), poses, height=request.height),
        FrameRange(start=kept_back.start - frames.start, stop=kept_back.stop - frames.start),
    )
    return Gathered(training=training, held_out=held_out, stance=_stance(training, clip))


def split(footage: SubjectFootage, held_out: FrameRange) -> tuple[SubjectFootage, SubjectFootage]:
    """What is trained on, with a cut where frames were taken out, and what is only measured."""
    around = (
        FrameRange(start=0, stop=held_out.start),
        FrameRange(start=held_out.stop, stop=len(footage)),
    )
    parts = [footage.part(frames) for frames in around if len(frames)]
    return joined(parts), footage.part(held_out)


def held_out_range(text: str | None, frames: FrameRange, length: int) -> FrameRange:
    """The held-out frames of a clip of `length` frames, of which `frames` are used.

    Raises:
        UsageError: they are not a part of `frames`, or all of them.
    """
    if text is None:
        count = max(1, len(frames) // _HELD_OUT_SHARE)
        held_out = FrameRange(start=frames.stop - count, stop=frames.stop)
    else:
        held_out = parse_frame_range(text, length)
    if held_out.start < frames.start or held_out.stop > frames.stop or len(held_out) == len(frames):
        raise UsageError(
            f"held-out frames {held_out} are not a part of the footage's {frames}; leave some to"
            " train on"
        )
    return held_out


def _poses(
    clip: ClipIndex, frames: FrameRange, request: TrainingRequest, out: Path, on_frame: OnFrame
) -> PoseSequence:
    """The person's poses; kept in `out`, so that a resumed training need not look again."""
    kept = out / "poses.npz"
    if kept.is_file():
        poses = PoseSequence.from_bytes(kept.read_bytes())
        if poses.frames == frames:
            return poses
    detections = Pipeline().pose_range(
        clip.path, frames, settings=request.settings, on_frame=on_frame
    )
    shape = plate_shape(clip)
    poses, _ = follow_performer(detections, frames, plate=shape, settings=request.settings.solve)
    kept.write_bytes(poses.to_bytes())
    return poses


def _stance(footage: SubjectFootage, clip: ClipIndex) -> StanceStatistics:
    rate = float(clip.timeline.rate)
    return measure_stance(footage.poses, width=footage.width, height=footage.height, rate=rate)


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
