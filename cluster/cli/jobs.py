"""The verbs that look at jobs: `bodyswap list | status | watch | wait | why | logs | fetch`.

It does not know what is in the store; `client` does.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bodyswap.cli import JsonOption
from bodyswap.config import RenderSettings
from bodyswap.terminal import WorkSeen, complain, say, show_progress
from cluster.cli.options import (
    JobArgument,
    JobsArgument,
    OutOption,
    ShardArgument,
    StoreOption,
    client_of,
)
from cluster.telling.job_words import (
    stages_seen,
    tell_files,
    tell_joins,
    tell_list,
    tell_logs,
    tell_status,
)
from cluster.telling.waiting import Outcome

app = typer.Typer()

TimeoutOption = Annotated[
    float | None,
    typer.Option(min=0, metavar="SECONDS", help="Wait no longer.  [default: no end]"),
]


@app.command(name="list")
def list_jobs(
    jobs: Annotated[
        list[str] | None, typer.Argument(help="Ids or names, also 'SH0*'.", metavar="[JOB]...")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the store's jobs, or those that a pattern such as 'SH0*' fits."""
    client = client_of(store)
    found = client.list_jobs(*(jobs or ()))
    tell_list(found, as_json=as_json)
    if not found:
        complain(f"{client.store.url} holds no jobs; `bodyswap submit` puts one there")


@app.command()
def status(jobs: JobsArgument, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Tell how far jobs are."""
    client = client_of(store)
    for job in client.find_jobs(*jobs):
        tell_status(client.status(job), client.joins(job), as_json=as_json)


@app.command()
def joins(
    job: JobArgument,
    plot: Annotated[
        Path | None, typer.Option(help="A PNG to draw them into, over the shot.")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell how each join between a finished shot's shards came out."""
    client = client_of(store)
    found = client.find_job(job)
    manifest = client.manifest(found)
    tell_joins(manifest.joins, manifest.plate.first_number, as_json=as_json)
    if plot is not None:
        from bodyswap.quality.comparison import write_picture
        from bodyswap.quality.joins_plot import draw_join_scores

        tolerance = RenderSettings.from_dict(manifest.settings).join_tolerance
        picture = draw_join_scores(
            manifest.joins, manifest.frames, tolerance=tolerance,
            first_number=manifest.plate.first_number,
        )  # fmt: skip
        write_picture(picture, plot)


@app.command()
def watch(job: JobArgument, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Follow a job, stage by stage, until it ends; the exit code is the job's."""
    from cluster.shot import job_error

    client = client_of(store)
    shown: dict[str, WorkSeen] = {}
    with show_progress(as_json=as_json) as show:
        for progress in client.watch(client.find_job(job)):
            for stage in stages_seen(progress):
                if shown.get(stage.stage) != stage:
                    show(stage)
                    shown[stage.stage] = stage
    tell_status(progress.status, client.joins(progress.status.job), as_json=as_json)
    if progress.status.exit_code:
        raise job_error(progress.status)


@app.command()
def wait(
    jobs: JobsArgument,
    timeout: TimeoutOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Wait until jobs are over. Exit code: 0 done, 1 timeout, 2 failed, 3 cancelled, 4 paused."""
    client = client_of(store)
    waited = client.wait(client.find_jobs(*jobs), timeout_s=timeout)
    if as_json:
        told = {"outcome": waited.outcome, "exit_code": waited.outcome.exit_code}
        say(json.dumps(told | {"jobs": [asdict(status) for status in waited.jobs]}))
    else:
        for each in waited.jobs:
            tell_status(each, as_json=False)
    if waited.outcome is Outcome.TIMEOUT:
        complain(f"not over after {timeout:g} s; `bodyswap why JOB` tells what a job waits for")
    if waited.outcome.exit_code:
        raise typer.Exit(waited.outcome.exit_code)


@app.command()
def why(
    job: JobArgument,
    shard: ShardArgument = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell in one sentence what a job, or one shard of it, waits for."""
    client = client_of(store)
    answer = client.why(client.find_job(job), shard)
    say(json.dumps(asdict(answer)) if as_json else answer.sentence)


@app.command()
def logs(
    job: JobArgument,
    shard: ShardArgument = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what is kept of every attempt: who made it, how it ended, its log."""
    client = client_of(store)
    tell_logs(client.logs(client.find_job(job), shard), as_json=as_json)


@app.command()
def fetch(
    job: JobArgument, out: OutOption, store: StoreOption = None, as_json: JsonOption = False
) -> None:
    """Fetch what a job delivered, proven file by file; nothing else is written over."""
    client = client_of(store)
    found = client.find_job(job)
    tell_files(found, client.fetch(found, out), as_json=as_json)
