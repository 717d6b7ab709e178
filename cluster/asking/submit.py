"""Turn a request into a job in the store. Nothing else is needed to submit, no farm and no network.

It does not know who renders it. Everything is checked before the first byte is written.
"""

import importlib.metadata
from dataclasses import dataclass, field, replace
from pathlib import Path

from bodyswap.choice import Casting, PerformerChoice, Rule, cuts_within
from bodyswap.config import RenderSettings
from bodyswap.errors import PlateError, UsageError
from bodyswap.timing import FrameRange
from cluster.jobs.inspection import Inspector, PlateFacts
from cluster.jobs.job import DEFAULT_PRIORITY, DEFAULT_USE, JobSpec, JobState
from cluster.jobs.journal import Entry, Journal
from cluster.jobs.keys import (
    QUEUE,
    JobKeys,
    job_of_marker,
    key_part,
    plate_file,
    plate_record,
    poses_file,
    queue_marker,
    time_part,
)
from cluster.jobs.listing import check_name, put_name
from cluster.jobs.plate_stream import recorded
from cluster.jobs.ranges import RangeSettings
from cluster.jobs.refs import CastRef, PlateRef, PosesRef, SubjectRef
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
    "1040-1060 solve.smoothing_s=0.05", settings of these frames alone; `cast` are replaced beside
    the performer of the settings; `clean_plate` is a still, or a clip with a picture for each
    frame, and wins over the one made out of the plate; `name` is what people call
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
    cast: tuple[Casting, ...] = ()
    clean_plate: Path | None = None
    name: str = ""
    project: str = "default"
    use: str = DEFAULT_USE
    priority: int = DEFAULT_PRIORITY
    budget: float | None = None
    submitted_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """A request as the job it makes, and the folders of the subjects that are not stored yet."""

    spec: JobSpec
    folders: tuple[tuple[SubjectRef, Path], ...]


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
    permit_submit(store, resolved.spec, now_s=now_s)
    spec = _with_plates(store, resolved.spec, request)
    if spec.poses is not None and request.poses is not None:
        put_once(store, poses_file(spec.poses), request.poses)
    for subject, folder in resolved.folders:
        put_subject(store, subject, folder)
    store.put_if_absent(JobKeys(job=spec.job).spec, to_yaml(spec))
    put_name(store, spec)
    _enqueue(store, spec, now_s)
    return spec.job


def resolve(store: Store, request: JobRequest, inspector: Inspector, *, now_s: float) -> Resolved:
    """What `submit` would put into the store, checked; nothing is written. Raises as it does."""
    if not request.plate.is_file():
        raise _no_plate(request.plate)
    plate = _plate_ref(request.plate, inspector.plate(request.plate))
    inspector.check_settings(request.settings, request.plate)
    subject, folder = find_subject(store, request.subject, inspector)
    card = read_card_text(store, subject, folder)
    frames = _frames(request.frames, plate)
    _check_numbers(request, plate, frames)
    cast, folders = _cast(store, request, inspector)
    if request.poses is None:
        inspector.check_pose_model(request.settings.pose.model, card)
    else:
        inspector.check_poses(request.poses, request.plate, frames, card)
    spec = JobSpec(
        plate=plate,
        subject=subject,
        frames=frames,
        settings=inspector.pinned(request.settings).to_dict(),
        software=f"bodyswap {importlib.metadata.version('bodyswap')}",
        shards=request.shards,
        poses=PosesRef(sha256=file_hash(request.poses)) if request.poses else None,
        ranges=_ranges(request.ranges, plate),
        cast=cast,
        clean_plate=_clean_plate(request, frames, inspector),
        name=check_name(request.name or key_part(request.plate.stem)),
        project=request.project,
        use=request.use,
        priority=request.priority,
        budget=request.budget,
        submitted_at=time_part(now_s),
        submitted_by=request.submitted_by,
    )
    return Resolved(spec=spec, folders=(*([(subject, folder)] if folder else []), *folders))


def _no_plate(path: Path) -> PlateError:
    scheme, colon, rest = str(path).partition(":/")
    if colon and scheme.isalnum():
        return PlateError(
            f"plate '{scheme}://{rest}' is not on this machine; fetch it and give the file, or let"
            " `bodyswap listen` make jobs of what arrives in a bucket"
        )
    what = "is a folder, not a file" if path.is_dir() else "is not a file"
    return PlateError(
        f"plate '{path}' {what}; give a video, or frames as a pattern such as frames.#.exr"
    )


def _cast(
    store: Store, request: JobRequest, inspector: Inspector
) -> tuple[tuple[CastRef, ...], list[tuple[SubjectRef, Path]]]:
    """Who else is replaced, and the folders of those who stand in and are not stored yet."""
    cast, folders = [], []
    for each in request.cast:
        if each.subject is None:
            cast.append(CastRef(performer=each.performer, subject=None))
            continue
        subject, folder = find_subject(store, each.subject, inspector)
        inspector.check_pose_model(
            request.settings.pose.model, read_card_text(store, subject, folder)
        )
        cast.append(CastRef(performer=each.performer, subject=subject))
        folders += [(subject, folder)] if folder else []
    return tuple(cast), folders


def _clean_plate(request: JobRequest, frames: FrameRange, inspector: Inspector) -> PlateRef | None:
    if request.clean_plate is None:
        return None
    if not request.clean_plate.is_file():
        raise PlateError(
            f"clean plate '{request.clean_plate}' is not a file; give a picture or a video"
        )
    facts = inspector.plate(request.clean_plate)
    inspector.check_clean_plate(request.clean_plate, request.plate, frames)
    return _plate_ref(request.clean_plate, facts)


def _plate_ref(path: Path, facts: PlateFacts) -> PlateRef:
    return PlateRef(
        sha256=file_hash(path), name=key_part(path.name), frame_count=facts.frame_count,
        first_number=facts.first_number, has_rate=facts.has_rate,
    )  # fmt: skip


def _with_plates(store: Store, spec: JobSpec, request: JobRequest) -> JobSpec:
    """The job, its plates in the store, and pinned to what was looked at here."""
    spec = replace(spec, plate=_put_plate(store, spec.plate, request.plate))
    if spec.clean_plate is None or request.clean_plate is None:
        return spec
    return replace(spec, clean_plate=_put_plate(store, spec.clean_plate, request.clean_plate))


def _put_plate(store: Store, plate: PlateRef, path: Path) -> PlateRef:
    plate, record = recorded(plate, path)
    put_once(store, plate_file(plate), path)
    if record:
        store.put_if_absent(plate_record(plate), record)
    return plate


def _frames(text: str | None, plate: PlateRef) -> FrameRange:
    return FrameRange(start=0, stop=plate.frame_count) if text is None else plate.range_of(text)


def _check_numbers(request: JobRequest, plate: PlateRef, frames: FrameRange) -> None:
    """Raises UsageError where performers or cuts are of frames that there are not."""
    settings = request.settings
    cuts_within(settings.cuts, plate.frame_count, plate.first_number)
    for text in (settings.solve.performer, *(each.performer for each in request.cast)):
        choice = PerformerChoice.parse(text)
        if choice.rule is Rule.POINT and choice.number - plate.first_number not in frames:
            raise UsageError(
                f"performer '{text}' points into frame {choice.number}, and frames"
                f" {plate.numbers(frames)} are to be rendered; point into one of those"
            )


def _ranges(texts: tuple[str, ...], plate: PlateRef) -> tuple[RangeSettings, ...]:
    """What each frame range is given otherwise, in frame order; texts of one range add up."""
    found: dict[FrameRange, list[str]] = {}
    for text in texts:
        numbers, _, setting = text.strip().partition(" ")
        if "=" not in setting:
            raise UsageError(
                f"'{text}' sets nothing for a range; write it like"
                " '1040-1060 solve.smoothing_s=0.05'"
            )
        found.setdefault(plate.range_of(numbers), []).append(setting.strip())
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
    is_new_life = state.is_final and state.may_become(JobState.SUBMITTED)
    if is_new_life:
        journal.append(entry)
    is_queued = any(job_of_marker(key) == spec.job for key in store.list_keys(QUEUE))
    # A marker that is there may be of the life before, and about to be taken away.
    if is_new_life or not (state.is_final or is_queued):
        store.put(queue_marker(spec, time_part(now_s)), b"")
