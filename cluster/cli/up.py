"""`bodyswap farm up`: be the farm, and go on being it whatever dies.

It does not know how jobs are worked on: it keeps a `bodyswap work` running.
"""

import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from bodyswap.environment import default_store_url, metrics_address
from bodyswap.terminal import complain
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
from cluster.farm.drains import drain as drain_node
from cluster.farm.drains import let_in
from cluster.farm.supervise import Supervisor
from cluster.notices.settings import load_webhooks
from cluster.stores.opening import open_store
from cluster.stores.store import Store
from cluster.telling.farm_seen import see_farm
from cluster.workers.ray_access import check_ray_access
from cluster.workers.settings import read_farm_settings

app = typer.Typer()


@app.callback()
def farm() -> None:
    """Run the farm."""


@app.command()
def up(
    store: StoreOption = None,
    runtime: RuntimeOption = RuntimeKind.RAY,
    workers: WorkersOption = None,
    settings: FarmFileOption = None,
    address: AddressOption = None,
    metrics: MetricsOption = None,
) -> None:
    """Work on the store's jobs until interrupted; a controller that dies is started again.

    Several may be up on one store: one works, the others take over when it is gone.
    """
    from cluster.metering.exporter import served
    from cluster.metering.keeper_meter import KeeperMeter

    # What no controller can start with is told once, not by each that is started again.
    url = store or default_store_url()
    open_store(url)
    load_webhooks()
    if settings is not None:
        read_farm_settings(settings)
    if runtime is RuntimeKind.RAY:
        check_ray_access(address)

    with TemporaryDirectory(prefix="bodyswap-metrics-") as folder:
        left = Path(folder) / "metrics.txt"
        supervisor = Supervisor(work_command(url, runtime, workers, left, address, settings))
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda *_: supervisor.stop())
        meter = KeeperMeter(left, deaths=lambda: supervisor.deaths)
        with served([meter.collector, meter.left], metrics or metrics_address()):
            supervisor.run()
    complain("the farm is down; whatever is not committed is done again next time")


@app.command()
def drain(
    node: Annotated[str, typer.Argument(help="Its name, address, or how its id begins.")],
    store: StoreOption = None,
    undo: Annotated[bool, typer.Option("--undo", help="Let it in again.")] = False,
) -> None:
    """Let a machine leave: its workers hand their shards back, and nothing new goes there.

    For a spot notice or an update; no shard counts it as a failure.
    """
    opened = named_store(store)
    if undo:
        let_in(opened, node)
        complain(f"{node} may work again, once Ray is started anew there")
    else:
        drain_node(opened, node)
        _warn_of_unknown(opened, node)
        complain(f"{node} is drained; `bodyswap farm drain {node} --undo` takes it back")


def _warn_of_unknown(store: Store, node: str) -> None:
    """Say so where the farm at work has no such machine: it may be misspelt, or still to come."""
    seen = see_farm(store)
    if seen is None or seen.is_gone(time.time()) or not seen.nodes:
        complain(f"no farm tells which machines it has, so that {node} is one is not checked")
    elif not any(each.is_called(node) for each in seen.nodes):
        names = ", ".join(sorted({each.name for each in seen.nodes}))
        complain(f"the farm has no machine '{node}' now; it has {names}")


def work_command(
    store: str,
    runtime: str,
    workers: int | None,
    metrics: Path,
    address: str | None = None,
    settings: Path | None = None,
) -> list[str]:
    """What is kept running; it leaves its metrics in the file `metrics`."""
    count = [] if workers is None else ["--workers", str(workers)]
    where = [] if address is None else ["--address", address]
    farm = [] if settings is None else ["--farm", str(settings)]
    command = [sys.executable, "-m", "cluster", "work", "--metrics-file", str(metrics)]
    return [*command, "--store", store, "--runtime", runtime, *count, *where, *farm]
