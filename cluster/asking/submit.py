"""Turn a request into a job in the store. Nothing else is needed to submit, no farm and no network.

It does not know who renders it. Everything is checked before the first byte is written.
"""

import importlib.metadata
from dataclasses import dataclass, field
from pathlib import Path

from bodyswap.config import RenderSettings
from bodyswap.errors import PlateError, UsageError
from bodyswap.timing import FrameRange, parse_frame_range
from cluster.jobs.inspection import Inspector
from cluster.jobs.job import (
    DEFAULT_PRIORITY,
    DEFAULT_USE,
    JobSpec,
    JobState,
    PlateRef,
    PosesRef,
    RangeSettings,
)
from cluster.jobs.journal import Entry, Journal
from cluster.jobs.keys import (
    QUEUE,
    JobKeys,
    job_of_marker,
    key_part,
    plate_file,
    poses_file,
    queue_marker,
    time_part,
)
from cluster.jobs.listing import check_name, put_name
from cluster.jobs.plate_stream import is_streamed, keep_record
from cluster.jobs.subjects import find_subject, put_subject, read_card_text
from cluster.rights.doors import permit_submit
from cluster.stores.record import file_hash, to_yaml
from cluster.stores.store import Store, put_once


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """What a person asks for.

    `subject` is a folder, a packaged subject's name, or one in the store; `frames` is inclusive
    text such as "1001-1040", None for the whole plate; `shards` None leaves it to the planner;
    `poses` is a corrected poses.npz that stands in for the pose pass; `ranges` are texts such as
    "1040-1060 solve.smoothing_s=0.05", settings of these frames alone; `name` is what people call
    the job, the plate's own name where none is given; `budget` what it may cost before it is
    paused.
    """

    plate: Path
    subject: str
    settings: RenderSettings = field(default_factory=RenderSettings)
    frames: str | None = None
    shards: int | None = None
    poses: Path | None = None
    ranges: tuple[str, ...] = ()
    name: str = ""
    project: str = "default"
    use: str = DEFAULT_USE
    priority: int = DEFAULT_PRIORITY
    budget: float | None = None
    submitted_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """A request as the job it makes, and the subject's folder where they are not stored yet."""

    spec: JobSpec
    folder: Path | None


def submit(store: Store, request: JobRequest, inspector: Inspector, *, now_s: float) -> str:
    """Put the job and its inputs into the store, and answer its id.

    A request that was made before gives the same job; one that ended otherwise than published
    is tried anew.

    Raises:
        ConsentError: nobody's consent covers it.
        InputError: the plate, the subject, the frames or a setting cannot be used.
        ModelError: there is no such pose model.
        StoreError: the store failed; submitting again goes on.
    """
    resolved = resolve(store, request, inspector, now_s=now_s)
    spec = resolved.spec
    permit_submit(store, spec, now_s=now_s)
    put_once(store, plate_file(spec.plate), request.plate)
    if is_streamed(store, spec.plate):
        keep_record(store, spec.plate, request.plate)
    if spec.poses is not None and request.poses is not None:
        put_once(store, poses_file(spec.poses), request.poses)
    if resolved.folder is not None:
        put_subject(store, spec.subject, resolved.folder)
    store.put_if_absent(JobKeys(job=spec.job).spec, to_yaml(spec))
    put_name(store, spec)
    _enqueue(store, spec, now_s)
    return spec.job


def resolve(store: Store, request: JobRequest, inspector: Inspector, *, now_s: float) -> Resolved:
    """What `submit` would put into the store, checked; nothing is written. Raises as it does."""
    if not request.plate.is_file():
        raise PlateError(f"plate '{request.plate}' is not a file; give a video")
    frame_count = inspector.plate_frame_count(request.plate)
    subject, folder = find_subject(store, request.subject, inspector)
    card = read_card_text(store, subject, folder)
    frames = _frames(request.frames, frame_count)
    if request.poses is None:
        inspector.check_pose_model(request.settings.pose.model, card)
    else:
        inspector.check_poses(request.poses, request.plate, frames, card)
    spec = JobSpec(
        plate=PlateRef(
            sha256=file_hash(request.plate),
            name=key_part(request.plate.name),
            frame_count=frame_count,
        ),
        subject=subject,
        frames=frames,
        settings=request.settings.to_dict(),
        software=f"bodyswap {importlib.metadata.version('bodyswap')}",
        shards=request.shards,
        poses=PosesRef(sha256=file_hash(request.poses)) if request.poses else None,
        ranges=_ranges(request.ranges, frame_count),
        name=check_name(request.name or key_part(request.plate.stem)),
        project=request.project,
        use=request.use,
        priority=request.priority,
        budget=request.budget,
        submitted_at=time_part(now_s),
        submitted_by=request.submitted_by,
    )
    return Resolved(spec=spec, folder=folder)


def _frames(text: str | None, frame_count: int) -> FrameRange:
    if text is None:
        return FrameRange(start=0, stop=frame_count)
    return parse_frame_range(text, frame_count)


def _ranges(texts: tuple[str, ...], frame_count: int) -> tuple[RangeSettings, ...]:
    """What each frame range is given otherwise, in frame order; texts of one range add up."""
    found: dict[FrameRange, list[str]] = {}
    for text in texts:
        numbers, _, setting = text.strip().partition(" ")
        if "=" not in setting:
            raise UsageError(
                f"'{text}' sets nothing for a range; write it like"
                " '1040-1060 solve.smoothing_s=0.05'"
            )
        found.setdefault(parse_frame_range(numbers, frame_count), []).append(setting.strip())
    return tuple(
        RangeSettings(frames=frames, settings=tuple(sorted(found[frames])))
        for frames in sorted(found)
    )


def _enqueue(store: Store, spec: JobSpec, now_s: float) -> None:
    journal = Journal(store, spec.job)
    entry = Entry(state=JobState.SUBMITTED, at_s=now_s, by=spec.submitted_by)
    journal.open(entry)
    latest = journal.latest()
    state = latest.state if latest else JobState.SUBMITTED
    if state.is_final and state.may_become(JobState.SUBMITTED):
        journal.append(entry)
        state = JobState.SUBMITTED
    is_queued = any(job_of_marker(key) == spec.job for key in store.list_keys(QUEUE))
    if not state.is_final and not is_queued:
        store.put(queue_marker(spec, time_part(now_s)), b"")
