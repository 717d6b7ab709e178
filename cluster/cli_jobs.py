"""The verbs that look at jobs: `bodyswap list | status | watch | fetch`.

It does not know what is in the store; `client` does.
"""

import typer

from bodyswap.cli import JsonOption
from bodyswap.terminal import show_progress
from cluster.cli_options import JobArgument, OutOption, StoreOption, client_of
from cluster.job_words import seen, tell_files, tell_status

app = typer.Typer()


@app.command()
def status(job: JobArgument, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Tell how far a job is."""
    client = client_of(store)
    tell_status(client.status(client.find_job(job)), as_json=as_json)


@app.command(name="list")
def list_jobs(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List the store's jobs."""
    for each in client_of(store).list_jobs():
        tell_status(each, as_json=as_json)


@app.command()
def watch(job: JobArgument, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Follow a job until it ends; the exit code is the job's."""
    from cluster.shot import job_error

    client = client_of(store)
    with show_progress(as_json=as_json) as show:
        for last in client.watch(client.find_job(job)):
            show(seen(last))
    tell_status(last, as_json=as_json)
    if last.exit_code:
        raise job_error(last)


@app.command()
def fetch(
    job: JobArgument, out: OutOption, store: StoreOption = None, as_json: JsonOption = False
) -> None:
    """Fetch what a job delivered."""
    client = client_of(store)
    files = client.fetch(client.find_job(job), out)
    tell_files(job, files, as_json=as_json)
