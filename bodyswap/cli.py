"""The verbs that need one machine only: quality, pose, train-pose; `cli_train` has train.

It does not know stores or jobs; `cluster.cli.app` mounts these verbs beside the farm's.
The stages are imported inside each verb, so that `--help` does not wait for torch.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bodyswap.config import ColourSettings, RenderSettings
from bodyswap.terminal import WorkSeen, complain, say, show_progress

app = typer.Typer()

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one setting; may be repeated."),
]

PerformerOption = Annotated[
    str | None,
    typer.Option(
        metavar="WHO",
        help="auto, largest, longest, a track's id, or x,y@frame: the one at that place.",
    ),
]


def all_changes(changes: list[str] | None, performer: str | None) -> list[str]:
    """The overrides of `--set`, and of `--performer`, which is short for one."""
    chosen = [] if performer is None else [f"solve.performer={performer}"]
    return [*(changes or []), *chosen]


@app.command()
def quality(
    render: Annotated[Path, typer.Argument(help="The rendered shot.")],
    reference: Annotated[Path, typer.Option(help="What it should look like, frame for frame.")],
    weights: Annotated[
        Path | None, typer.Option(help="Folder of LPIPS weights; without it LPIPS is left out.")
    ] = None,
    frames: Annotated[
        str | None, typer.Option(metavar="1001-1040", help="The reference's frames.")
    ] = None,
    faces: Annotated[
        bool, typer.Option(help="Score the face too; the reference is posed to find it.")
    ] = True,
    out: Annotated[
        Path | None, typer.Option(help="The folder for a table, a plot and the worst frames.")
    ] = None,
    joins: Annotated[
        Path | None,
        typer.Option(metavar="MANIFEST", help="The delivery's manifest.json: do its joins show?"),
    ] = None,
    poses: Annotated[
        bool, typer.Option(help="Pose the render too: how far off it is, and its identity. Slow.")
    ] = False,
    performer: PerformerOption = None,
    changes: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare a render with its truth: picture, motion and face; LPIPS with weights."""
    from bodyswap.quality.files import ComparedFiles, Comparison
    from bodyswap.quality.joins import measure_joins, read_joins, tell_joins
    from bodyswap.quality.record import write_record

    files = ComparedFiles(
        Comparison(
            render=render,
            reference=reference,
            frames=frames,
            lpips_weights=weights,
            faces=faces,
            poses=poses,
            settings=RenderSettings().with_overrides(all_changes(changes, performer)),
        )
    )
    cuts = () if joins is None else read_joins(joins, files.frames)
    with show_progress(as_json=as_json) as show:
        report = files.score(
            lambda stage, done, total: show(WorkSeen(stage=stage, done=done, total=total))
        )
    told, words = report.to_dict(), [report.summary()]
    measured = measure_joins(report, files.frames, cuts)
    if joins is not None:
        told["joins"] = [join.to_dict() for join in measured]
        words.append(tell_joins(measured))
    if out is not None:
        write_record(report, files, measured, out)
    say(json.dumps(told) if as_json else "\n".join(words))


@app.command()
def pose(
    plate: Annotated[Path, typer.Argument(help="The driving video.", metavar="PLATE")],
    out: Annotated[Path, typer.Option(help="The folder for poses and pictures.")],
    performer: PerformerOption = None,
    frames: Annotated[
        str | None, typer.Option(metavar="1001-1040", help="A part of the plate, inclusive.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="SUBJECT", help="Tell which poses this subject was not filmed in."),
    ] = None,
    changes: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look before rendering: who is in the plate, the performer's poses, what may go wrong."""
    from bodyswap.forecast import forecast, read_index
    from bodyswap.pipeline import Pipeline
    from bodyswap.subjects import find_local_subject
    from bodyswap.survey import survey_plate
    from bodyswap.timing import assumed_rate

    settings = RenderSettings().with_overrides(all_changes(changes, performer))
    folder = None if against is None else find_local_subject(against)
    if folder is not None:
        read_index(folder)
    pipeline = Pipeline()
    with show_progress(as_json=as_json) as show:
        survey = survey_plate(
            plate, out, settings=settings, frames=frames, pipeline=pipeline,
            on_frame=lambda done, total: show(WorkSeen(stage="posing", done=done, total=total)),
        )  # fmt: skip
    if not survey.clip.has_rate:
        complain(assumed_rate(plate.name))
    told = survey.to_dict()
    words = [survey.table()]
    if folder is not None:
        risks = forecast(survey, folder, out, settings=settings.solve)
        told["coverage"] = risks.to_dict()
        words.append(risks.advice())
    say(json.dumps(told) if as_json else "\n".join(words))


@app.command()
def sheet(
    shot: Annotated[Path, typer.Argument(help="A film, or frames as shot.#.exr.")],
    out: Annotated[Path, typer.Option(metavar="FILE.png", help="The picture to write.")],
    plate: Annotated[
        Path | None, typer.Option(help="The plate, to be shown beside each frame.")
    ] = None,
    frames: Annotated[
        str | None, typer.Option(metavar="1001-1040", help="Which frames; the plate's, if given.")
    ] = None,
    columns: Annotated[int, typer.Option(min=1, max=40)] = 5,
    rows: Annotated[int, typer.Option(min=1, max=40)] = 4,
    movie: Annotated[
        Path | None,
        typer.Option(metavar="FILE.mp4", help="Write a film too: a slate, then every frame."),
    ] = None,
) -> None:
    """Show a shot on one page, frame numbers and timecode burnt in."""
    from bodyswap.media.index import index_clip
    from bodyswap.quality.contact import look_at, write_contact_sheet, write_review

    film, beside = index_clip(shot), None if plate is None else index_clip(plate)
    part = None if frames is None else (beside or film).range_of(frames)
    look = look_at(film, beside, part)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_contact_sheet(look, out, columns=columns, rows=rows)
    say(str(out))
    if movie is not None:
        movie.parent.mkdir(parents=True, exist_ok=True)
        write_review(look, movie)
        say(str(movie))


@app.command()
def colours(
    config: Annotated[
        str, typer.Option(help="One of OpenColorIO's built-in configs.")
    ] = ColourSettings().config,
    as_json: JsonOption = False,
) -> None:
    """List the colour spaces that colour.input and colour.output may name."""
    from bodyswap.media.ocio_door import colour_spaces, config_names

    spaces = colour_spaces(config)
    if as_json:
        told = [asdict(space) for space in spaces]
        say(json.dumps({"config": config, "configs": config_names(), "spaces": told}))
        return
    width = max(len(space.name) for space in spaces)
    say("\n".join(f"{space.name:{width}}  {space.encoding}" for space in spaces))


@app.command(name="train-pose")
def train_pose(
    clips: Annotated[list[Path], typer.Argument(help="Footage that may be trained on.")],
    teachers: Annotated[Path, typer.Option(help="Folder of the teachers' weights.")],
    out: Annotated[Path, typer.Option(help="Where weights and card are left.")],
    cache: Annotated[Path, typer.Option(help="Where prepared views are kept.")] = Path("out/pose"),
    name: Annotated[str, typer.Option(help="The model's name.")] = "rtmpose-t",
    start_from: Annotated[
        Path | None, typer.Option(metavar="WEIGHTS", help="Weights to train on from.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1)] = 1,
) -> None:
    """Train a pose model from footage and the stage, labelled by two teachers that agree."""
    from bodyswap.training.pose.command import train_pose as train_on
    from bodyswap.training.pose.config import PoseTrainingConfig

    config = PoseTrainingConfig(
        clips=tuple(clips),
        teachers=teachers,
        cache=cache,
        out=out,
        name=name,
        start=start_from,
        threads=threads,
    )
    say(str(train_on(config, complain)))
