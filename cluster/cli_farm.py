"""The verbs of whoever runs the farm: `bodyswap work | doctor`. It does not know how it works."""

import json
from collections.abc import Callable
from typing import Annotated

import typer

from bodyswap.cli import JsonOption
from bodyswap.config import default_store_url
from bodyswap.terminal import complain, say, show_progress
from cluster.cli_options import RuntimeKind, RuntimeOption, StoreOption, WorkersOption, named_store
from cluster.client import Client
from cluster.job_words import seen

app = typer.Typer()


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

    opened = named_store(store)
    with (
        show_progress(as_json=as_json) as show,
        open_runtime(runtime, opened.url, workers) as crew,
    ):
        controller = Controller(store=opened, runtime=crew, on_status=lambda s: show(seen(s)))
        if job is None:
            _serve(controller.serve)
            return
        status = controller.run_until_final(Client(opened).find_job(job))
    if status.exit_code:
        raise job_error(status)


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


def _serve(serve: Callable[[Callable[[], bool]], None]) -> None:
    try:
        serve(lambda: False)
    except KeyboardInterrupt:
        complain("stopped; whatever is not committed is done again next time")
