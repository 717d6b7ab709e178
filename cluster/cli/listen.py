"""The verb `bodyswap listen`: jobs that start themselves. It does not know how."""

import logging
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from bodyswap.cli import JsonOption
from bodyswap.environment import default_store_url, event_token, metrics_address
from bodyswap.errors import StoreError, UsageError
from bodyswap.terminal import WorkSeen, complain, say, show_progress
from cluster.cli.options import MetricsOption, StoreOption
from cluster.stores.opening import open_store

app = typer.Typer()
_POLL_S = 5
"""A round waits so long for a message; between two rounds, finished jobs are answered."""


@app.command()
def listen(
    rules: Annotated[Path, typer.Option(metavar="FILE", help="Which objects become jobs (YAML).")],
    store: StoreOption = None,
    http: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Take pushed notices too, at /events."),
    ] = None,
    metrics: MetricsOption = None,
    once: Annotated[bool, typer.Option(help="One round: poll, sweep, answer; then stop.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make jobs of plates that arrive in buckets, and deliver their shots."""
    from cluster.client import Client
    from cluster.events.bucket import Buckets
    from cluster.events.doorbell import open_doorbell
    from cluster.events.inbox import Inbox
    from cluster.events.listener import Counts, Listener
    from cluster.events.meter import ListenMeter
    from cluster.events.queue import Queue, Topic
    from cluster.events.rules import read_rules
    from cluster.events.serving import Silence, serve
    from cluster.metering.exporter import served

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("cluster").setLevel(logging.INFO)
    config = read_rules(rules)
    if not config.queue and http is None and not once:
        raise UsageError("nothing to listen to: name a queue in the rules, or give --http")
    opened = open_store(store or default_store_url())
    buried = Queue(config.dead_letter) if config.dead_letter else None
    meter = ListenMeter(buried.depth if buried else None)
    listener = Listener(
        config,
        Client(opened),
        Inbox(opened),
        Buckets(),
        dead_letters=buried,
        answers=(
            *([Queue(config.answers)] if config.answers else []),
            *([Topic(config.answers_topic)] if config.answers_topic else []),
        ),
    )
    rounds = 0

    with ExitStack() as stack:
        show = stack.enter_context(show_progress(as_json=as_json))
        stack.enter_context(served([meter.collector], metrics or metrics_address()))
        if http is not None:
            port = stack.enter_context(open_doorbell(listener.hear, http, event_token()))
            say(f"listening at port {port}")

        def on_trouble(error: StoreError) -> None:
            complain(f"bodyswap: {error}; going on")

        def on_round(counts: Counts) -> None:
            nonlocal rounds
            rounds += 1
            try:
                meter.hear(counts)
            except StoreError as error:
                on_trouble(error)
            show(WorkSeen(stage="listening", done=counts.answered, total=counts.heard,
                          unit="arrivals", note=counts.sentence()))  # fmt: skip

        serve(
            listener,
            Queue(config.queue) if config.queue else Silence(),
            sweep_every_s=config.sweep_every_s,
            wait_s=0 if once else _POLL_S,
            is_over=lambda: once and rounds > 0,
            on_round=on_round,
            on_trouble=on_trouble,
        )
