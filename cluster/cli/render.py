"""The verbs that begin with a plate: `bodyswap demo | render | submit | plan`.

It does not know how a shot is made, only what was asked.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bodyswap.choice import Casting, cast_of
from bodyswap.cli import JsonOption, SetOption
from bodyswap.config import CodecName, Mode, Over, RenderSettings
from bodyswap.errors import UsageError
from bodyswap.terminal import Show, WorkSeen, complain, say, show_progress
from cluster.asking.submit import JobRequest
from cluster.cli.options import (
    OutOption,
    RuntimeKind,
    RuntimeOption,
    StoreOption,
    WorkersOption,
    client_of,
    me,
    named_store,
)
from cluster.jobs.job import DEFAULT_PRIORITY, DEFAULT_USE
from cluster.telling.job_words import seen, tell_files
from cluster.telling.plan_words import tell_plan
from cluster.telling.seen import see_spec
from cluster.telling.sentence_parts import counted

app = typer.Typer()


PlateArgument = Annotated[Path, typer.Argument(help="The driving video.", metavar="PLATE")]
SubjectOption = Annotated[
    str | None, typer.Option(help="Who is rendered: a name, name@version, or a subject's folder.")
]
CastOption = Annotated[
    list[str] | None,
    typer.Option(
        "--performer", metavar="WHO[=SUBJECT]",
        help="auto, largest, longest, a track's id, or x,y@frame. May be repeated: 1=vega 2=none"
        " replaces one by vega and removes the other.",
    ),
]  # fmt: skip
CleanPlateOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="What the camera sees without performers: a picture, or a video or set.#.exr with one"
        " for each frame. Wins over the one made out of the plate.",
    ),
]
ShardsOption = Annotated[
    int | None,
    typer.Option(min=1, help="Cut each pass in so many.  [default: the planner's choice]"),
]
ModeOption = Annotated[Mode, typer.Option(help="How temporal state crosses joins.")]
CodecOption = Annotated[CodecName, typer.Option(help="What the shot is written as.")]
OverOption = Annotated[
    Over, typer.Option(help="Their own background, or the plate, in the performer's place.")
]
FramesOption = Annotated[
    str | None, typer.Option(metavar="1001-1040", help="A part of the plate, inclusive.")
]
RateOption = Annotated[
    str | None,
    typer.Option(
        metavar="24000/1001",
        help="Frames a second of a plate of frames.  [default: what the files say, or 24]",
    ),
]
PosesOption = Annotated[
    Path | None,
    typer.Option(help="A poses.npz of `bodyswap pose`, corrected: taken as it is.", metavar="FILE"),
]
RangesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set-range", metavar="'1040-1060 KEY=VALUE'",
        help="Change one setting of these frames alone: solve.*, engine, warmup_frames.",
    ),
]  # fmt: skip
ProjectOption = Annotated[str, typer.Option(help="Whose job it is; consents name it.")]
UseOption = Annotated[str, typer.Option(help="What it is for; consents name it.")]


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
    from cluster.cli.demo import film_demo

    with show_progress(as_json=as_json) as show:
        show(WorkSeen(stage="filming", done=0, total=2, unit="people"))
        footage = film_demo(out)
        show(WorkSeen(stage="filming", done=2, total=2, unit="people"))
        request = JobRequest(plate=footage.plate, subject="vega", shards=shards, submitted_by=me())
        url = store or str(out / "store")
        _render(request, out, url, runtime, workers, show, as_json, truth=footage.truth)


@app.command()
def render(
    plate: PlateArgument,
    out: OutOption,
    subject: SubjectOption = None,
    store: StoreOption = None,
    runtime: RuntimeOption = RuntimeKind.INLINE,
    workers: WorkersOption = None,
    codec: CodecOption = CodecName.H264,
    over: OverOption = Over.OWN,
    shards: ShardsOption = None,
    mode: ModeOption = Mode.FAST,
    frames: FramesOption = None,
    rate: RateOption = None,
    performers: CastOption = None,
    clean_plate: CleanPlateOption = None,
    poses: PosesOption = None,
    project: ProjectOption = "default",
    use: UseOption = DEFAULT_USE,
    named: Annotated[
        str | None,
        typer.Option("--as", help="Deliver as the next version of this name.", metavar="SHOT_0010"),
    ] = None,
    changes: SetOption = None,
    ranges: RangesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Render the subject into the plate's motion: submit, work and fetch in one process."""
    lead, chosen, others = _cast(performers, subject)
    request = JobRequest(
        plate=plate, subject=lead, cast=others, clean_plate=clean_plate,
        settings=_settings(
            mode, codec, over, [*(changes or []), *chosen, *_rated(rate)], performers, poses
        ),
        frames=frames, shards=shards, poses=poses, ranges=tuple(ranges or ()),
        project=project, use=use, submitted_by=me(),
    )  # fmt: skip
    with show_progress(as_json=as_json) as show:
        _render(request, out, store, runtime, workers, show, as_json, named=named)


@app.command()
def submit(
    plate: PlateArgument,
    subject: SubjectOption = None,
    store: StoreOption = None,
    codec: CodecOption = CodecName.H264,
    over: OverOption = Over.OWN,
    shards: ShardsOption = None,
    mode: ModeOption = Mode.FAST,
    frames: FramesOption = None,
    rate: RateOption = None,
    performers: CastOption = None,
    clean_plate: CleanPlateOption = None,
    poses: PosesOption = None,
    name: Annotated[
        str, typer.Option(help="What people call the job.  [default: the plate's name]")
    ] = "",
    project: ProjectOption = "default",
    use: UseOption = DEFAULT_USE,
    priority: Annotated[int, typer.Option(min=0, max=99)] = DEFAULT_PRIORITY,
    budget: Annotated[
        float | None,
        typer.Option(metavar="AMOUNT", help="Pause it when it has cost so much."),
    ] = None,
    changes: SetOption = None,
    ranges: RangesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a job into the store; a farm working on that store will render it."""
    lead, chosen, others = _cast(performers, subject)
    request = JobRequest(
        plate=plate, subject=lead, cast=others, clean_plate=clean_plate,
        settings=_settings(
            mode, codec, over, [*(changes or []), *chosen, *_rated(rate)], performers, poses
        ),
        frames=frames, shards=shards, poses=poses, ranges=tuple(ranges or ()),
        name=name, project=project,
        use=use, priority=priority, budget=budget, submitted_by=me(),
    )  # fmt: skip
    client = client_of(store)
    job = client.submit(request)
    for sentence in see_spec(client.store, job).assumed:
        complain(sentence)
    reuse = client.reuse(job)
    if as_json:
        say(json.dumps({"job": job, **asdict(reuse)}))
        return
    say(job)
    if reuse.reused:
        complain(f"{reuse.reused} of {counted(reuse.shards, 'shard')} are taken from other jobs")


@app.command()
def plan(
    plate: PlateArgument,
    subject: SubjectOption = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Free workers.  [default: those the farm has, or 1]")
    ] = None,
    store: StoreOption = None,
    codec: CodecOption = CodecName.H264,
    over: OverOption = Over.OWN,
    shards: ShardsOption = None,
    mode: ModeOption = Mode.FAST,
    frames: FramesOption = None,
    rate: RateOption = None,
    performers: CastOption = None,
    clean_plate: CleanPlateOption = None,
    poses: PosesOption = None,
    changes: SetOption = None,
    ranges: RangesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what `submit` would do: shards, time, worker-hours, at rates measured in this store."""
    lead, chosen, others = _cast(performers, subject)
    request = JobRequest(
        plate=plate, subject=lead, cast=others, clean_plate=clean_plate,
        settings=_settings(
            mode, codec, over, [*(changes or []), *chosen, *_rated(rate)], performers, poses
        ),
        frames=frames, shards=shards, poses=poses, ranges=tuple(ranges or ()),
    )  # fmt: skip
    tell_plan(client_of(store).plan(request, workers=workers), as_json=as_json)


def _render(
    request: JobRequest, out: Path, url: str | None, runtime: RuntimeKind, workers: int | None,
    show: Show, as_json: bool, truth: Path | None = None, named: str | None = None,
) -> None:  # fmt: skip
    from bodyswap.media.naming import WORK, check_stem, deliver_as
    from cluster.shot import render_shot

    if named is not None:
        check_stem(named)
    shot = render_shot(
        named_store(url), request, out if named is None else out / WORK / named,
        runtime=runtime, workers=workers, truth=truth,
        on_status=lambda status: show(seen(status)), on_assumed=complain,
    )  # fmt: skip
    files = shot.files if named is None else deliver_as(shot.files, out, named)
    tell_files(shot.job, files, as_json=as_json)


def _cast(
    performers: list[str] | None, subject: str | None
) -> tuple[str, list[str], tuple[Casting, ...]]:
    """Who is rendered first, the override that says for whom, and who else is replaced."""
    if subject is None and not performers:
        raise UsageError("nobody is named who is to be rendered; give --subject")
    lead, *others = cast_of(performers or (), subject)
    assert lead.subject is not None
    chosen = [f"solve.performer={lead.performer}"] if performers else []
    return lead.subject, chosen, tuple(others)


def _rated(rate: str | None) -> list[str]:
    """The override that `--rate` is short for."""
    return [] if rate is None else [f"rate={rate}"]


def _settings(
    mode: Mode, codec: CodecName, over: Over, changes: list[str], performers: list[str] | None,
    poses: Path | None,
) -> RenderSettings:  # fmt: skip
    if performers and poses is not None:
        raise UsageError(
            "--performer chooses among the people found, and --poses already has the performer;"
            " give one of them"
        )
    plain = RenderSettings(mode=mode, codec=codec.value, over=over.value)
    return plain.with_overrides(changes)
