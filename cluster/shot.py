"""A whole render in one process: submit, drive, fetch, and lay plate and render side by side.

It does not know how progress is shown. `render` and `demo` are made of it, so that every render
takes the farm's path.
"""

import platform
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bodyswap.config import Over
from bodyswap.decode import picture_at, pictures_of
from bodyswap.encode import delivered_name
from bodyswap.errors import JobError
from bodyswap.folders import check_writable
from bodyswap.frames import RGB
from bodyswap.media.index import ClipIndex, as_set, index_clip, seen_as
from bodyswap.people import PoseSequence
from bodyswap.quality.comparison import Column, compare_rows, write_comparison, write_picture
from bodyswap.quality.skeleton_picture import draw_skeleton
from bodyswap.quality.slate import FrameNames, burn_in, draw_slate
from bodyswap.timing import FrameRange
from cluster.asking.submit import JobRequest
from cluster.client import Client
from cluster.delivering.publish import Manifest
from cluster.farm.controller import Controller
from cluster.farm.decide import decide
from cluster.jobs.job import JobState
from cluster.jobs.progress import JobStatus
from cluster.jobs.refs import SubjectRef
from cluster.stores.store import Store
from cluster.telling.farm_seen import telling
from cluster.telling.seen import see_spec
from cluster.workers.runtime import Runtime, WorkerConfig
from cluster.workers.settings import FarmSettings

OnStatus = Callable[[JobStatus], None]


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A rendered shot in a local folder."""

    job: str
    files: tuple[Path, ...]


def render_shot(
    store: Store,
    request: JobRequest,
    out: Path,
    *,
    runtime: str,
    workers: int | None,
    on_status: OnStatus,
    truth: Path | None = None,
    on_assumed: Callable[[str], None] = lambda _: None,
) -> Shot:
    """Render `request` and write its deliverables to `out`; `on_assumed` hears what nobody said.

    Raises:
        BodyswapError: of the kind, and so with the exit code, of whatever ended the job.
    """
    client = Client(store)
    check_writable(out)
    job = client.submit(request)
    for sentence in see_spec(store, job).assumed:
        on_assumed(sentence)
    with open_runtime(runtime, store.url, workers) as crew:
        controller = Controller(
            store=store,
            runtime=crew,
            on_status=on_status,
            decide_next=telling(store, platform.node(), decide),
        )
        status = controller.run_until_final(job)
    if status.state is not JobState.PUBLISHED:
        raise job_error(status)
    fetched = client.fetch(job, out, replace=True)
    pictures = _write_pictures(request, client.manifest(job), out, truth)
    return Shot(job=job, files=(*fetched, *pictures))


@contextmanager
def open_runtime(
    kind: str,
    store_url: str,
    workers: int | None,
    address: str | None = None,
    farm: FarmSettings | None = None,
) -> Iterator[Runtime]:
    """The runtime called `kind`, "inline" or "ray", closed at the end of the block.

    Ray is started on this machine, or joined at `address`. What is given goes before `farm`.
    """
    settings = farm or FarmSettings()
    settings = replace(
        settings, workers=workers or settings.workers, address=address or settings.address
    )
    scratch = Path(tempfile.mkdtemp(prefix="bodyswap-"))
    config = WorkerConfig(store_url=store_url, scratch=scratch)
    crew: Runtime
    if kind == "ray":
        # Ray is heavy, and an inline render needs none of it.
        from cluster.workers.on_ray import RayRuntime

        crew = RayRuntime(config, settings)
    else:
        from cluster.workers.inline import InlineRuntime

        crew = InlineRuntime(config)
    try:
        yield crew
    finally:
        crew.close()


def job_error(status: JobStatus) -> JobError:
    """The error that tells why a job ended without a shot, with the failure's own exit code."""
    error = JobError(status.message or f"job {status.job} ended {status.state}")
    error.exit_code = status.exit_code or JobError.exit_code
    return error


def _write_pictures(
    request: JobRequest, manifest: Manifest, out: Path, truth: Path | None
) -> tuple[Path, ...]:
    clip = as_set(index_clip(request.plate), request.settings)
    frames = manifest.frames
    poses = PoseSequence.from_bytes((out / "performer-poses.npz").read_bytes())
    shot = index_clip(out / delivered_name(request.settings.codec, clip, frames))
    if request.settings.over == Over.PLATE:
        shot = seen_as(shot, clip)
    columns = [
        Column(caption="plate", pictures=pictures_of(clip, frames)),
        Column(caption="pose", pictures=_posed(clip, frames, poses)),
        Column(caption="render", pictures=pictures_of(shot, shot.frames)),
    ]
    if truth is not None:
        columns.append(Column(caption="truth", pictures=pictures_of(index_clip(truth), frames)))
    comparison, sheet = out / "comparison.mp4", out / "contact-sheet.png"
    timeline = clip.timeline.cut(frames).starting_at(clip.timeline.pts[0])
    names = _names(clip, frames)
    write_comparison(
        burn_in(compare_rows(columns), names),
        comparison,
        timeline=timeline,
        sheet=sheet,
        first_number=names.first_number,
    )
    slate = out / "slate.png"
    write_picture(
        draw_slate(
            f"job {manifest.job}",
            _facts(manifest, clip, shot, names),
            [picture_at(shot, index) for index in (0, len(shot) // 2, len(shot) - 1)],
        ),
        slate,
    )
    return comparison, sheet, slate


def _names(clip: ClipIndex, frames: FrameRange) -> FrameNames:
    start = clip.custody.timecode
    return FrameNames(
        first_number=clip.first_number + frames.start,
        first_timecode=None if start is None else start + frames.start,
    )


def _facts(
    manifest: Manifest, clip: ClipIndex, shot: ClipIndex, names: FrameNames
) -> list[tuple[str, str]]:
    rate = clip.timeline.rate
    start = names.first_timecode
    return [
        ("subject", ", ".join(f"{each.name} {each.version}" for each in _rendered(manifest))),
        ("plate", manifest.plate.name),
        ("frames", f"{manifest.numbers} ({manifest.frame_count})"),
        ("rate", f"{rate} = {float(rate):.3f}" if rate.denominator > 1 else str(rate)),
        *([("timecode", f"{start} - {start + (manifest.frame_count - 1)}")] if start else []),
        *([("reel", clip.custody.reel)] if clip.custody.reel else []),
        ("size", f"{shot.width}x{shot.height}"),
        ("codec", str(manifest.settings["codec"])),
        ("software", manifest.software),
    ]


def _rendered(manifest: Manifest) -> list[SubjectRef]:
    return [manifest.subject, *(each.subject for each in manifest.cast if each.subject is not None)]


def _posed(clip: ClipIndex, frames: FrameRange, poses: PoseSequence) -> Iterator[RGB]:
    for index, picture in enumerate(pictures_of(clip, frames), start=frames.start):
        row = index - poses.frames.start
        yield draw_skeleton(
            picture, poses.keypoints_NK2[row], poses.confidence_NK[row], poses.skeleton
        )
