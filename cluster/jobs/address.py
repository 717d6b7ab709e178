"""What a shard's result depends on, as one hash: where two are equal, so are the results.

Pure: `results` keeps results by these. What is left out does not change the stage's result, so a
pose pass serves any subject, and a render shard any job whose solved poses agree over its frames.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache

from bodyswap.config import Mode, RenderSettings
from bodyswap.people import PoseSequence
from bodyswap.timing import FrameRange
from cluster.jobs.commit import Commit
from cluster.jobs.job import JobSpec, Stage
from cluster.jobs.plan import Shard
from cluster.jobs.warmup import card_warmup
from cluster.stores.record import content_hash

_SEEING = ("pose", "device", "mode", "cuts", "colour", "rate")
"""Settings that the pose pass reads; `mode` since exact arithmetic is another."""

_NOT_SOLVING = ("pose", "join_tolerance", "engine", "crop", "warmup_frames", "watermark", "label")
"""Settings that solving does not read; what the pose pass saw is in the address itself."""

_NOT_DRAWING = ("pose", "solve", "cuts", "join_tolerance")
"""Settings that rendering does not read: it has its poses, cuts with them; joins are assembled."""

_OF_SOLVED_POSES = ("performer", "subject", "report")


def pose_address(spec: JobSpec, shard: Shard) -> str:
    """Of everyone seen in the shard's frames of the plate."""
    return content_hash(("pose", spec.software, *_plate(spec, shard), _seeing(spec)))


def solve_address(spec: JobSpec, shard: Shard, posed: Sequence[Commit]) -> str:
    """Of the performer's poses, from what the pose shards saw or from the poses given."""
    seen = [commit.file("detections").sha256 for commit in posed]
    given = spec.poses.sha256 if spec.poses else None
    model = spec.render_settings.pose.model
    ranges = [
        (each.frames.start, each.frames.stop, each.of_solving)
        for each in spec.ranges
        if each.of_solving
    ]
    return content_hash(
        (
            "solve", spec.software, *_plate(spec, shard), _but(spec, shard, _NOT_SOLVING), model,
            spec.subject.digest, seen, given, ranges,
            *([spec.replacing] if spec.replacing else []),
        )
    )  # fmt: skip


def render_address(
    spec: JobSpec,
    shard: Shard,
    solved: Commit,
    poses: PoseSequence,
    card: str,
    before: Commit | None,
) -> str:
    """Of the shard's pictures, from its own poses and its warm-up's, or `before`, its predecessor.

    `poses` are the solved ones, `card` is the text of the subject's card.
    """
    past = None if before is None else before.file("boundary").sha256
    first = shard.frames.start if before else _warm_up_start(spec, shard, poses, card)
    read = poses.cut(FrameRange(start=first, stop=shard.frames.stop))
    if spec.render_settings.crop:
        # How large the window is follows from the whole shot.
        read = poses
    besides = {
        file.name: file.sha256
        for file in solved.files
        if file.name.partition(".")[0] not in _OF_SOLVED_POSES
    }
    is_cut_to = shard.frames.start in poses.cuts
    return content_hash(
        (
            "render", spec.software, *_plate(spec, shard), _but(spec, shard, _NOT_DRAWING),
            spec.subject.digest, _hash_of_poses(read), is_cut_to, past, besides,
            *([spec.replacing] if spec.replacing else []),
        )
    )  # fmt: skip


def is_for_one_kind(spec: JobSpec, stage: Stage) -> bool:
    """True where a result of another kind of device would not do: exact mode promises its bits."""
    return stage in (Stage.POSE, Stage.RENDER) and spec.render_settings.mode is Mode.EXACT


def _plate(spec: JobSpec, shard: Shard) -> tuple[object, ...]:
    return (
        spec.plate.sha256,
        spec.plate.name.rpartition(".")[2],
        shard.frames.start,
        shard.frames.stop,
    )


def _seeing(spec: JobSpec) -> dict[str, object]:
    settings = _told(spec.render_settings)
    return {key: settings[key] for key in _SEEING}


def _but(spec: JobSpec, shard: Shard, left_out: tuple[str, ...]) -> dict[str, object]:
    settings = _told(spec.settings_for(shard.stage, shard.frames))
    return {key: value for key, value in settings.items() if key not in left_out}


@lru_cache(maxsize=256)
def _told(settings: RenderSettings) -> dict[str, object]:
    """As jobs have them; only to be read. Thousands of shards have the same few."""
    return settings.to_dict()


def _warm_up_start(spec: JobSpec, shard: Shard, poses: PoseSequence, card: str) -> int:
    """The first frame that the shard's renderer draws, delivered or not."""
    asked = spec.settings_for(shard.stage, shard.frames).warmup_frames
    warmup_frames = card_warmup(card) if asked is None else asked
    if warmup_frames is None:
        return poses.frames.start
    return max(poses.frames.start, shard.frames.with_warm_up(warmup_frames).start)


def _hash_of_poses(poses: PoseSequence) -> str:
    digest = hashlib.sha256()
    digest.update(repr((poses.skeleton.name, poses.frames, poses.cuts)).encode())
    for array in (poses.keypoints_NK2, poses.confidence_NK, poses.filled_NK):
        digest.update(b"none" if array is None else array.tobytes())
    return digest.hexdigest()
