"""A whole render in one process: submit, drive, fetch, and lay plate and render side by side.

It does not know how progress is shown. `render` and `demo` are made of it, so that every render
takes the farm's path.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bodyswap.decode import decode
from bodyswap.errors import JobError
from bodyswap.frames import RGB
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.people import PoseSequence
from bodyswap.quality.comparison import Column, compare_rows, write_comparison
from bodyswap.quality.skeleton_picture import draw_skeleton
from bodyswap.timing import FrameRange
from cluster.client import Client
from cluster.controller import Controller
from cluster.job import JobState
from cluster.progress import JobStatus
from cluster.runtime import Runtime, WorkerConfig
from cluster.store import Store
from cluster.submit import JobRequest

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
) -> Shot:
    """Render `request` and write its deliverables to `out`.

    Raises:
        BodyswapError: of the kind, and so with the exit code, of whatever ended the job.
    """
    client = Client(store)
    job = client.submit(request)
    with open_runtime(runtime, store.url, workers) as crew:
        controller = Controller(store=store, runtime=crew, on_status=on_status)
        status = controller.run_until_final(job)
    if status.state is not JobState.PUBLISHED:
        raise job_error(status)
    fetched = client.fetch(job, out, replace=True)
    frames = client.manifest(job).frames
    pictures = _write_pictures(request.plate, frames, out, truth)
    return Shot(job=job, files=(*fetched, *pictures))


@contextmanager
def open_runtime(kind: str, store_url: str, workers: int | None) -> Iterator[Runtime]:
    """The runtime called `kind`, "inline" or "ray", closed at the end of the block."""
    scratch = Path(tempfile.mkdtemp(prefix="bodyswap-"))
    config = WorkerConfig(store_url=store_url, scratch=scratch)
    crew: Runtime
    if kind == "ray":
        # Ray is heavy, and an inline render needs none of it.
        from cluster.runtime_ray import RayRuntime

        crew = RayRuntime(config, workers=workers)
    else:
        from cluster.runtime_inline import InlineRuntime

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
    plate: Path, frames: FrameRange, out: Path, truth: Path | None
) -> tuple[Path, Path]:
    clip = index_clip(plate)
    poses = PoseSequence.from_bytes((out / "performer-poses.npz").read_bytes())
    shot = index_clip(next(out.glob("shot.*")))
    columns = [
        Column(caption="plate", pictures=_pictures(clip, frames)),
        Column(caption="pose", pictures=_posed(clip, frames, poses)),
        Column(caption="render", pictures=_pictures(shot, shot.frames)),
    ]
    if truth is not None:
        columns.append(Column(caption="truth", pictures=_pictures(index_clip(truth), frames)))
    comparison, sheet = out / "comparison.mp4", out / "contact-sheet.png"
    timeline = clip.timeline.cut(frames).starting_at(clip.timeline.pts[0])
    write_comparison(
        compare_rows(columns),
        comparison,
        timeline=timeline,
        sheet=sheet,
        first_index=frames.start,
    )
    return comparison, sheet


def _pictures(clip: ClipIndex, frames: FrameRange) -> Iterator[RGB]:
    for batch in decode(clip, frames):
        yield from batch.rgb_NHW3


def _posed(clip: ClipIndex, frames: FrameRange, poses: PoseSequence) -> Iterator[RGB]:
    for index, picture in enumerate(_pictures(clip, frames), start=frames.start):
        row = index - poses.frames.start
        yield draw_skeleton(
            picture, poses.keypoints_NK2[row], poses.confidence_NK[row], poses.skeleton
        )
