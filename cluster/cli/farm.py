"""The verbs of whoever runs the farm: `bodyswap work | doctor`.

It does not know how a farm works.
"""

import json
import platform
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from bodyswap.cli import JsonOption
from bodyswap.environment import default_store_url, metrics_address
from bodyswap.terminal import complain, say, show_progress
from cluster.cli.options import (
    AddressOption,
    FarmFileOption,
    MetricsOption,
    RuntimeKind,
    RuntimeOption,
    StoreOption,
    WorkersOption,
    named_store,
)
from cluster.client import Client
from cluster.jobs.progress import JobStatus
from cluster.telling.job_words import seen

app = typer.Typer()

_ENDINGS = (signal.SIGINT, signal.SIGTERM)


@app.command()
def work(
    store: StoreOption = None,
    runtime: RuntimeOption = RuntimeKind.RAY,
    workers: WorkersOption = None,
    job: Annotated[str | None, typer.Option(help="Stop when this job is done.")] = None,
    farm: FarmFileOption = None,
    address: AddressOption = None,
    metrics: MetricsOption = None,
    metrics_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Leave metrics there instead, for `farm up` to serve."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Be the farm: work on the store's jobs until interrupted."""
    from cluster.farm.controller import Controller
    from cluster.farm.decide import decide
    from cluster.farm.term import Term
    from cluster.metering.watch import open_watch
    from cluster.notices.courier import open_courier
    from cluster.notices.settings import load_webhooks
    from cluster.shot import job_error, open_runtime
    from cluster.stores.asker import AT_ONCE
    from cluster.telling.farm_seen import tell_starting, telling
    from cluster.workers.settings import read_farm_settings

    opened, name = named_store(store), platform.node()
    settings = None if farm is None else read_farm_settings(farm)
    # Before Ray is started, which takes a while.
    tell_starting(opened, name, time.time())
    with (
        open_watch(opened, metrics or metrics_address(), metrics_file) as watch,
        show_progress(as_json=as_json) as show,
        open_courier(opened, load_webhooks()) as hear,
        open_runtime(runtime, opened.url, workers, address, settings) as crew,
    ):

        def tell(status: JobStatus) -> None:
            show(seen(status))
            hear(status)
            watch.hear(status)

        controller = Controller(
            store=opened, runtime=watch.runtime(crew), on_status=tell,
            term=Term(opened, name, time.monotonic),
            decide_next=watch.deciding(telling(opened, name, decide)),
            requests_at_once=AT_ONCE,
        )  # fmt: skip
        if job is None:
            with _asked_to_stop() as should_stop:
                controller.serve(should_stop)
            complain("stopped; whatever is not committed is done again next time")
            return
        status = controller.run_until_final(Client(opened).find_job(job))
    if status.exit_code:
        raise job_error(status)


@app.command()
def doctor(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Check this machine: device, video, pose model, subjects, store, webhooks, Ray."""
    from bodyswap.doctor import examine
    from cluster.cli.checkup import check_ray, check_store, check_webhooks

    url = store or default_store_url()
    findings = examine(
        [
            ("store", lambda: check_store(url)),
            ("webhooks", lambda: check_webhooks(url)),
            ("ray", check_ray),
        ]
    )
    if as_json:
        say(json.dumps([finding.to_dict() for finding in findings]))
    else:
        for finding in findings:
            say(f"{'ok  ' if finding.is_well else 'FAIL'}  {finding.name}: {finding.message}")
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)


@contextmanager
def _asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Whether this process was told to end; told a second time, it ends at once."""
    told = threading.Event()
    before = {number: signal.getsignal(number) for number in _ENDINGS}

    def hear(number: int, frame: object) -> None:
        told.set()
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in _ENDINGS:
        signal.signal(number, hear)
    try:
        yield told.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
