"""The verbs of trainings on the farm: `submit-train`, `work-train` and `trainings`.

It does not know how anything is trained. Torch and Ray are imported inside each verb, so that
`--help` is quick.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bodyswap.cli import JsonOption, SetOption
from bodyswap.cli_train import (
    ConsentOption,
    FootageArgument,
    HeightOption,
    HoldOutOption,
    MinutesOption,
    RecipeOption,
    StepsOption,
    SubjectOption,
    VggOption,
    training_request,
    training_seen,
)
from bodyswap.environment import cache_folder
from bodyswap.errors import StoreError, UsageError
from bodyswap.terminal import WorkSeen, say, show_progress
from cluster.cli.options import AddressOption, RuntimeKind, StoreOption, me, named_store
from cluster.jobs.training_spec import TrainingSpec
from cluster.stores.store import Store
from cluster.training.status import (
    TrainingStatus,
    find_training,
    read_status,
    read_training,
    training_error,
    training_ids,
    unfinished_trainings,
)

app = typer.Typer()

_LOOK_EVERY_S = 0.5


@app.command(name="submit-train")
def submit_train(
    footage: FootageArgument,
    subject: SubjectOption,
    store: StoreOption = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Train on so many at once, each with a batch of its own.")
    ] = 1,
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
    """Put a training and its footage into the store; `work-train` on that store trains it."""
    from cluster.training.submit import submit_training

    request = training_request(
        footage, subject, consent, hold_out, height, recipe, minutes, steps, vgg, changes
    )
    training = submit_training(
        named_store(store), request, workers=workers, now_s=time.time(), submitted_by=me()
    )
    say(json.dumps({"training": training}) if as_json else training)


@app.command(name="work-train")
def work_train(
    training: Annotated[
        str | None,
        typer.Argument(metavar="TRAINING", help="An id, or how it begins.  [default: all]"),
    ] = None,
    store: StoreOption = None,
    runtime: Annotated[
        RuntimeKind, typer.Option(help="Where to train: this process, or Ray's workers.")
    ] = RuntimeKind.RAY,
    address: AddressOption = None,
    scratch: Annotated[
        Path | None, typer.Option(help="Prepared footage, on each node.  [default: the cache]")
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Serve Prometheus there, like 127.0.0.1:9400."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Train what was submitted and is not finished, each to its end; running it again goes on."""
    from cluster.metering.exporter import served
    from cluster.training.metrics import TrainingMetrics

    opened, told = named_store(store), TrainingMetrics()
    specs = unfinished_trainings(opened) if training is None else [find_training(opened, training)]
    with show_progress(as_json=as_json) as show, served([told], metrics):

        def on_status(status: TrainingStatus) -> None:
            told.see(status)
            show(_seen(status))

        for spec in specs:
            folder = scratch or cache_folder() / "training"
            with _watched(opened, spec, on_status):
                _run(opened, spec, runtime, address, folder.resolve())
            told.see(read_status(opened, spec))
            _tell(read_status(opened, spec), as_json)
    ended = [read_status(opened, spec) for spec in specs]
    for status in ended:
        if status.exit_code:
            raise training_error(status)


@app.command()
def trainings(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List the store's trainings, and how far each is."""
    opened = named_store(store)
    for training in training_ids(opened):
        _tell(read_status(opened, read_training(opened, training)), as_json)


@contextmanager
def _watched(
    store: Store, spec: TrainingSpec, on_status: Callable[[TrainingStatus], None]
) -> Iterator[None]:
    """Pass on meanwhile what the training tells the store."""
    is_over = threading.Event()

    def watch() -> None:
        before = None
        while not is_over.wait(_LOOK_EVERY_S):
            # A look that fails is no reason to stop training, nor to stop looking.
            with suppress(StoreError):
                status = read_status(store, spec)
                if status != before:
                    on_status(status)
                before = status

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        is_over.set()


def _run(
    store: Store, spec: TrainingSpec, runtime: RuntimeKind, address: str | None, scratch: Path
) -> None:
    if runtime is RuntimeKind.RAY:
        from cluster.training.on_ray import train_on_ray

        train_on_ray(store, spec, scratch, address=address)
        return
    from bodyswap.training.replica import ALONE
    from cluster.training.run import run_replica

    if spec.workers > 1:
        raise UsageError(
            f"training {spec.training} asks for {spec.workers} workers, and this process is one;"
            " give --runtime ray"
        )
    run_replica(store, spec, ALONE, scratch)


def _seen(status: TrainingStatus) -> WorkSeen:
    return training_seen(status.state, status.done, status.step, status.losses)


def _tell(status: TrainingStatus, as_json: bool) -> None:
    if as_json:
        say(json.dumps(asdict(status)))
        return
    told = status.message or f"step {status.step}, {status.done:.0%}"
    say(f"{status.training}  {status.subject}  {status.state}: {told}")
