"""The verbs that ask of jobs: `bodyswap pause | resume | cancel | retry | priority | budget`.

Each leaves a request in the store and returns at once; it does not know what the farm makes of it.
`approve | reject` write a verdict on a published shot, which needs no farm.
"""

from collections.abc import Callable
from typing import Annotated

import typer

from bodyswap.cli import JsonOption
from bodyswap.errors import JobError, UsageError
from bodyswap.terminal import complain, say
from cluster.cli.options import JobArgument, JobsArgument, StoreOption, client_of
from cluster.client import Client
from cluster.jobs.control import Request
from cluster.telling.job_words import tell_request, tell_ruling

app = typer.Typer()


@app.command()
def pause(jobs: JobsArgument, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Start nothing more of the jobs until they are resumed; what runs is let finish."""
    client = client_of(store)
    _ask_each(client, jobs, client.pause, as_json)


@app.command()
def resume(jobs: JobsArgument, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Let paused jobs go on."""
    client = client_of(store)
    _ask_each(client, jobs, client.resume, as_json)


@app.command()
def cancel(jobs: JobsArgument, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Give jobs up; what they committed stays for a `retry`."""
    client = client_of(store)
    _ask_each(client, jobs, client.cancel, as_json)


@app.command()
def retry(
    jobs: JobsArgument,
    shard: Annotated[
        list[str] | None,
        typer.Option(metavar="render-2", help="Only this shard; may be repeated."),
    ] = None,
    shards: Annotated[
        str | None, typer.Option(metavar="3,5", help="Only these render shards.")
    ] = None,
    frames: Annotated[
        str | None,
        typer.Option(metavar="1040-1060", help="Only the render shards of these frames."),
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="All that failed: so too where none is named.")
    ] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try again what failed of jobs; or render again the shards named, committed or not."""
    if sum(map(bool, (shard, shards, frames, failed))) > 1:
        raise UsageError(
            "--failed means all that failed; --shard, --shards and --frames name shards;"
            " give one of them"
        )
    client = client_of(store)

    def ask(job: str) -> Request:
        if frames:
            return client.retry(job, client.render_shards(job, frames))
        return client.retry(job, [*(shard or ()), *_render_names(shards)] or None)

    _ask_each(client, jobs, ask, as_json)


@app.command()
def priority(
    job: JobArgument,
    to: Annotated[int, typer.Argument(help="0 to 99, the highest first.", metavar="PRIORITY")],
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve a job, or those that a pattern fits, earlier or later."""
    client = client_of(store)
    _ask_each(client, [job], lambda job: client.set_priority(job, to), as_json)


@app.command()
def budget(
    job: JobArgument,
    to: Annotated[float, typer.Argument(help="In the farm's currency.", metavar="AMOUNT")],
    store: StoreOption = None,
) -> None:
    """Let a job cost so much before it is paused; `resume` one that was paused for its old one."""
    client = client_of(store)
    for found in client.find_jobs(job):
        client.set_budget(found, to)
        say(f"{found}  may cost {to:.2f}")


NoteOption = Annotated[str, typer.Option(help="What to keep with it, in the log and the journal.")]


@app.command()
def approve(
    jobs: JobsArgument,
    note: NoteOption = "",
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that published shots are good: `verify` tells so of their files from then on."""
    client = client_of(store)
    for job in client.find_jobs(*jobs):
        tell_ruling(job, client.approve(job, note), as_json=as_json)


@app.command()
def reject(
    jobs: JobsArgument,
    note: NoteOption = "",
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that published shots are not good. Nothing is taken back, and a later verdict counts."""
    client = client_of(store)
    for job in client.find_jobs(*jobs):
        tell_ruling(job, client.reject(job, note), as_json=as_json)


def _render_names(numbers: str | None) -> list[str]:
    names = [part.strip() for part in numbers.split(",")] if numbers else []
    if not all(name.isdecimal() for name in names):
        raise UsageError(f"--shards '{numbers}' are no numbers; write them like 3,5")
    return [f"render-{int(name)}" for name in names]


def _ask_each(
    client: Client, patterns: list[str], ask: Callable[[str], Request], as_json: bool
) -> None:
    """Ask it of every job that fits; a job it is not for stops none of the others."""
    jobs = client.find_jobs(*patterns)
    refused: list[JobError] = []
    for job in jobs:
        try:
            tell_request(job, ask(job), as_json=as_json)
        except JobError as error:
            refused.append(error)
    if len(refused) == len(jobs):
        raise refused[0]
    for each in refused:
        complain(f"left as it is: {each}")
