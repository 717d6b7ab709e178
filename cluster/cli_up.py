"""`bodyswap farm up`: be the farm, and go on being it whatever dies.

It does not know how jobs are worked on: it keeps a `bodyswap work` running.
"""

import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from bodyswap.config import default_store_url, metrics_address
from bodyswap.terminal import complain
from cluster.cli_options import AddressOption, MetricsOption, StoreOption
from cluster.ray_access import check_ray_access
from cluster.supervise import Supervisor

app = typer.Typer()


@app.callback()
def farm() -> None:
    """Run the farm."""


@app.command()
def up(
    store: StoreOption = None,
    runtime: Annotated[str, typer.Option(help="inline or ray.")] = "ray",
    workers: Annotated[int | None, typer.Option(min=1, help="Ray actors.")] = None,
    address: AddressOption = None,
    metrics: MetricsOption = None,
) -> None:
    """Work on the store's jobs until interrupted; a controller that dies is started again.

    Several may be up on one store: one works, the others take over when it is gone.
    """
    from cluster.exporter import served
    from cluster.keeper_meter import KeeperMeter

    if runtime == "ray":
        check_ray_access(address)

    with TemporaryDirectory(prefix="bodyswap-metrics-") as folder:
        left = Path(folder) / "metrics.txt"
        supervisor = Supervisor(
            work_command(store or default_store_url(), runtime, workers, left, address)
        )
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda *_: supervisor.stop())
        meter = KeeperMeter(left, deaths=lambda: supervisor.deaths)
        with served([meter.collector, meter.left], metrics or metrics_address()):
            supervisor.run()
    complain("the farm is down; whatever is not committed is done again next time")


def work_command(
    store: str, runtime: str, workers: int | None, metrics: Path, address: str | None = None
) -> list[str]:
    """What is kept running; it leaves its metrics in the file `metrics`."""
    count = [] if workers is None else ["--workers", str(workers)]
    where = [] if address is None else ["--address", address]
    command = [sys.executable, "-m", "cluster", "work", "--metrics-file", str(metrics)]
    return [*command, "--store", store, "--runtime", runtime, *count, *where]
