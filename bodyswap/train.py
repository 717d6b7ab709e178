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
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.nets.card import Origin
from bodyswap.people import PoseSequence
from bodyswap.pipeline import OnFrame, Pipeline, plate_shape
from bodyswap.retarget import measure_stance
from bodyswap.solve import follow_performer
from bodyswap.stance import StanceStatistics
from bodyswap.timing import FrameRange, parse_frame_range
from bodyswap.training.config import TrainingConfig
from bodyswap.training.footage import SubjectFootage, prepare_footage
from bodyswap.training.loop import SUBJECT, Progress, train_subject


@dataclass(frozen=True, kw_only=True)
class TrainingRequest:
    """Footage of one person from one camera, who they are, and on whose word they are learnt.

    `frames` is inclusive text such as "1001-1750"; `height` the subject's picture height, pixels.
    """

    footage: Path
    subject: str
    consent: str | None
    frames: str | None
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
    """Train until the budget is spent, going on from what `out` holds; the subject's folder.

    Raises:
        InputError: the footage, a setting or the state in `out` cannot be used.
    """
    clip = index_clip(request.footage)
    frames = clip.frames if request.frames is None else parse_frame_range(request.frames, len(clip))
    out.mkdir(parents=True, exist_ok=True)
    poses = _poses(clip, frames, request, out, lambda done: on_pose(done, len(frames)))
    footage = prepare_footage(decode(clip, frames), poses, height=request.height)
    train_subject(
        footage,
        request.training,
        out,
        origin=Origin(
            subject=request.subject,
            consent=request.consent,
            footage_sha256=(_file_sha256(request.footage),),
        ),
        stance=_stance(footage, clip),
        on_progress=on_step,
        device=choose_device(request.settings.device),
    )
    return out / SUBJECT


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
