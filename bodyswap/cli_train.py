"""The verb that trains a subject on this machine, and the options that say what is trained.

It does not know the farm; `cluster.cli.train` asks the same of it. Torch is imported inside the
verb, so that `--help` is quick.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodyswap.cli import JsonOption, SetOption
from bodyswap.terminal import WorkSeen, say, show_progress

if TYPE_CHECKING:
    from bodyswap.train import TrainingRequest
    from bodyswap.training.loop import Progress

app = typer.Typer()

FootageArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="FOOTAGE...",
        help="Clips of the person from one camera; clip.mp4@1001-1750 is a part of one.",
    ),
]
SubjectOption = Annotated[str, typer.Option(help="The name to render them by.")]
ConsentOption = Annotated[
    str | None, typer.Option(help="The id of their consent record, kept in the card.")
]
HoldOutOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="1751-1850",
        help="Frames only to measure with, may be repeated.  [default: the last tenth]",
    ),
]
HeightOption = Annotated[int, typer.Option(min=64, help="The subject's picture height.")]
RecipeOption = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Training settings: a yaml, or one of configs/training."),
]
MinutesOption = Annotated[
    float | None, typer.Option(min=0.01, help="How long to train.  [default: 20]")
]
StepsOption = Annotated[int | None, typer.Option(min=1, help="At most so many steps.")]
VggOption = Annotated[Path | None, typer.Option(help="VGG-16 weights, for the perceptual loss.")]


@app.command()
def train(
    footage: FootageArgument,
    subject: SubjectOption,
    out: Annotated[
        Path | None, typer.Option(help="Where to train.  [default: out/train/SUBJECT]")
    ] = None,
    consent: ConsentOption = None,
    hold_out: HoldOutOption = None,
    height: HeightOption = 256,
    recipe: RecipeOption = None,
    minutes: MinutesOption = None,
    steps: StepsOption = None,
    vgg: VggOption = None,
    changes: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a subject on footage of a person who agreed to it; the same command resumes.

    `--set training.KEY=VALUE` changes the recipe, any other key how poses are found.
    """
    from bodyswap.train import train as train_on

    request = training_request(
        footage, subject, consent, hold_out, height, recipe, minutes, steps, vgg, changes
    )
    with show_progress(as_json=as_json) as show:
        folder = train_on(
            request,
            out or Path("out/train") / subject,
            on_pose=lambda done, total: show(WorkSeen(stage="posing", done=done, total=total)),
            on_step=lambda progress: show(_seen(progress, request)),
        )
    say(json.dumps({"subject": str(folder)}) if as_json else str(folder))


def training_request(
    footage: list[str], subject: str, consent: str | None, hold_out: list[str] | None, height: int,
    recipe: str | None, minutes: float | None, steps: int | None, vgg: Path | None,
    changes: list[str] | None,
) -> "TrainingRequest":  # fmt: skip
    """What the options ask for. Raises UsageError where a recipe or setting is no good."""
    from bodyswap.train import TrainingRequest
    from bodyswap.training.settings import TrainSettings

    given = {"minutes": minutes, "steps": steps, "vgg_weights": vgg}
    settings = TrainSettings.choose(
        recipe=recipe,
        chosen={name: value for name, value in given.items() if value is not None},
        changes=changes or [],
    )
    return TrainingRequest(
        footage=tuple(footage),
        hold_out=tuple(hold_out or ()),
        subject=subject,
        consent=consent,
        height=height,
        settings=settings,
    )


def training_seen(
    stage: str, done: float, step: int, losses: Mapping[str, float], left_s: float | None = None
) -> WorkSeen:
    """A training's progress, of which `done` is a fraction, as a line to people."""
    worst = ", ".join(f"{name} {loss:.3f}" for name, loss in losses.items() if loss)
    return WorkSeen(
        stage=stage, done=round(done * 1000), total=1000, unit="parts", left_s=left_s,
        note=f"step {step}, {worst}" if step else "",
    )  # fmt: skip


def _seen(progress: "Progress", request: "TrainingRequest") -> WorkSeen:
    minutes = request.settings.training.minutes
    left_s = None if minutes is None else minutes * 60 * (1 - progress.done)
    return training_seen("training", progress.done, progress.step, progress.losses, left_s)
