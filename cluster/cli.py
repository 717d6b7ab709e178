"""The command line: `bodyswap VERB`. The farm's verbs are here, one machine's in `bodyswap.cli`.

It does not know how anything is done, only what was asked. Exit codes are the errors' own (see
`bodyswap.errors`): 0 done, 1 internal error, 2 wrong request, 3 plate, 4 nobody in it, 5 subject,
6 pose model, 7 store, 8 the job ended without a shot.
"""

import getpass
import json
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bodyswap.cli import JsonOption, PerformerOption, SetOption, all_changes
from bodyswap.cli import app as local_verbs
from bodyswap.config import Mode, RenderSettings, default_store_url
from bodyswap.errors import BodyswapError, UsageError
from bodyswap.terminal import Show, WorkSeen, complain, say, show_progress
from cluster.cli_options import StoreOption
from cluster.cli_subject import app as subject_verbs
from cluster.cli_up import app as farm_verbs
from cluster.client import Client
from cluster.job import DEFAULT_PRIORITY
from cluster.progress import JobStatus
from cluster.store import Store, open_store
from cluster.submit import JobRequest

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Put one consenting person into another's motion.",
)
app.add_typer(local_verbs)
app.add_typer(farm_verbs, name="farm", help="Run the farm.")
app.add_typer(subject_verbs, name="subject", help="Show subjects, and carry them to and fro.")


class RuntimeKind(StrEnum):
    INLINE = "inline"
    RAY = "ray"


class CodecName(StrEnum):
    H264 = "h264"
    FFV1 = "ffv1"


PlateArgument = Annotated[Path, typer.Argument(help="The driving video.", metavar="PLATE")]
SubjectOption = Annotated[
    str, typer.Option(help="Who is rendered: a name, name@version, or a subject's folder.")
]
RuntimeOption = Annotated[
    RuntimeKind, typer.Option(help="Where the work is done: this process, or Ray actors.")
]
WorkersOption = Annotated[int | None, typer.Option(min=1, help="Ray actors.  [default: one a GPU]")]
ShardsOption = Annotated[
    int | None,
    typer.Option(min=1, help="Cut each pass in so many.  [default: the planner's choice]"),
]
ModeOption = Annotated[Mode, typer.Option(help="How temporal state crosses joins.")]
CodecOption = Annotated[CodecName, typer.Option(help="h264, or ffv1 for lossless.")]
FramesOption = Annotated[
    str | None, typer.Option(metavar="1001-1040", help="A part of the plate, inclusive.")
]
PosesOption = Annotated[
    Path | None,
    typer.Option(help="A poses.npz of `bodyswap pose`, corrected: taken as it is.", metavar="FILE"),
]
OutOption = Annotated[Path, typer.Option(help="The folder for what is delivered.")]
JobArgument = Annotated[str, typer.Argument(help="A job's id, or how it begins.", metavar="JOB")]


@app.command()
def demo(
    out: OutOption = Path("out/demo"),
    store: StoreOption = None,
    runtime: RuntimeOption = RuntimeKind.RAY,
    workers: WorkersOption = None,
    shards: ShardsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Film a stunt on the stage, and render vega doing it, through every stage of the farm."""
    from cluster.demo import film_demo

    with show_progress(as_json=as_json) as show:
        show(WorkSeen(stage="filming", done=0, total=2, unit="people"))
        footage = film_demo(out)
        show(WorkSeen(stage="filming", done=2, total=2, unit="people"))
        request = JobRequest(plate=footage.plate, subject="vega", shards=shards, submitted_by=_me())
        url = store or str(out / "store")
        _render(request, out, url, runtime, workers, show, as_json, truth=footage.truth)


@app.command()
def render(
    plate: PlateArgument,
    subject: SubjectOption,
    out: OutOption,
    store: StoreOption = None,
    runtime: RuntimeOption = RuntimeKind.INLINE,
    workers: WorkersOption = None,
    codec: CodecOption = CodecName.H264,
    shards: ShardsOption = None,
    mode: ModeOption = Mode.FAST,
    frames: FramesOption = None,
    performer: PerformerOption = None,
    poses: PosesOption = None,
    changes: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Render the subject into the plate's motion: submit, work and fetch in one process."""
    request = JobRequest(
        plate=plate, subject=subject, settings=_settings(mode, codec, changes, performer, poses),
        frames=frames, shards=shards, poses=poses, submitted_by=_me(),
    )  # fmt: skip
    with show_progress(as_json=as_json) as show:
        _render(request, out, store or default_store_url(), runtime, workers, show, as_json)


@app.command()
def submit(
    plate: PlateArgument,
    subject: SubjectOption,
    store: StoreOption = None,
    codec: CodecOption = CodecName.H264,
    shards: ShardsOption = None,
    mode: ModeOption = Mode.FAST,
    frames: FramesOption = None,
    performer: PerformerOption = None,
    poses: PosesOption = None,
    project: Annotated[str, typer.Option(help="Whose job it is.")] = "default",
    priority: Annotated[int, typer.Option(min=0, max=99)] = DEFAULT_PRIORITY,
    changes: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a job into the store; a farm working on that store will render it."""
    request = JobRequest(
        plate=plate, subject=subject, settings=_settings(mode, codec, changes, performer, poses),
        frames=frames, shards=shards, poses=poses, project=project, priority=priority,
        submitted_by=_me(),
    )  # fmt: skip
    job = Client(_open(store)).submit(request)
    say(json.dumps({"job": job}) if as_json else job)


@app.command()
def work(
    store: StoreOption = None,
    runtime: RuntimeOption = RuntimeKind.RAY,
    workers: WorkersOption = None,
    job: Annotated[str | None, typer.Option(help="Stop when this job is done.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Be the farm: work on the store's jobs until interrupted."""
    from cluster.controller import Controller
    from cluster.shot import job_error, open_runtime
    from cluster.term import Term

    opened = _open(store)
    with (
        show_progress(as_json=as_json) as show,
        open_runtime(runtime, opened.url, workers) as crew,
    ):
        controller = Controller(
            store=opened, runtime=crew, on_status=lambda s: show(_seen(s)),
            term=Term(opened, platform.node(), time.monotonic),
        )  # fmt: skip
        if job is None:
            _serve(controller.serve)
            return
        status = controller.run_until_final(Client(opened).find_job(job))
    if status.exit_code:
        raise job_error(status)


@app.command()
def status(job: JobArgument, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Tell how far a job is."""
    client = Client(_open(store))
    _tell(client.status(client.find_job(job)), as_json)


@app.command(name="list")
def list_jobs(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List the store's jobs."""
    for each in Client(_open(store)).list_jobs():
        _tell(each, as_json)


@app.command()
def watch(job: JobArgument, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Follow a job until it ends; the exit code is the job's."""
    from cluster.shot import job_error

    client = Client(_open(store))
    with show_progress(as_json=as_json) as show:
        for seen in client.watch(client.find_job(job)):
            show(_seen(seen))
    _tell(seen, as_json)
    if seen.exit_code:
        raise job_error(seen)


@app.command()
def fetch(
    job: JobArgument, out: OutOption, store: StoreOption = None, as_json: JsonOption = False
) -> None:
    """Fetch what a job delivered."""
    client = Client(_open(store))
    files = client.fetch(client.find_job(job), out)
    _tell_files(job, files, as_json)


@app.command()
def doctor(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Check that this machine can render: device, video, pose model, subjects, store, Ray."""
    from bodyswap.doctor import examine
    from cluster.checkup import check_ray, check_store

    url = store or default_store_url()
    findings = examine([("store", lambda: check_store(url)), ("ray", check_ray)])
    if as_json:
        say(json.dumps([finding.to_dict() for finding in findings]))
    else:
        for finding in findings:
            say(f"{'ok  ' if finding.is_well else 'FAIL'}  {finding.name}: {finding.message}")
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; an error on purpose is one line, and its exit code."""
    try:
        app(prog_name="bodyswap")
    except BodyswapError as error:
        complain(f"bodyswap: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        complain("bodyswap: interrupted; the same command goes on from what is committed")
        sys.exit(130)


def _render(
    request: JobRequest, out: Path, url: str, runtime: RuntimeKind, workers: int | None,
    show: Show, as_json: bool, truth: Path | None = None,
) -> None:  # fmt: skip
    from cluster.shot import render_shot

    shot = render_shot(
        open_store(url), request, out, runtime=runtime, workers=workers, truth=truth,
        on_status=lambda status: show(_seen(status)),
    )  # fmt: skip
    _tell_files(shot.job, shot.files, as_json)


def _serve(serve: Callable[[Callable[[], bool]], None]) -> None:
    try:
        serve(lambda: False)
    except KeyboardInterrupt:
        complain("stopped; whatever is not committed is done again next time")


def _settings(
    mode: Mode, codec: CodecName, changes: list[str] | None, performer: str | None,
    poses: Path | None,
) -> RenderSettings:  # fmt: skip
    if performer is not None and poses is not None:
        raise UsageError(
            "--performer chooses among the people found, and --poses already has the performer;"
            " give one of them"
        )
    plain = RenderSettings(mode=mode, codec=codec.value)
    return plain.with_overrides(all_changes(changes, performer))


def _open(url: str | None) -> Store:
    return open_store(url or default_store_url())


def _seen(status: JobStatus) -> WorkSeen:
    return WorkSeen(
        stage=status.state,
        done=status.frames_done,
        total=status.frames_total,
        shards_done=status.shards_done,
        shards_total=status.shards_total,
        rate_per_s=status.frames_per_s,
        left_s=status.eta_s,
        note=status.message,
    )


def _tell(status: JobStatus, as_json: bool) -> None:
    say(json.dumps(asdict(status)) if as_json else f"{status.job}  {_seen(status).sentence()}")


def _tell_files(job: str, files: tuple[Path, ...], as_json: bool) -> None:
    if as_json:
        say(json.dumps({"job": job, "files": [str(path) for path in files]}))
    else:
        for path in files:
            say(str(path))


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"
