"""What the controller asks of whatever runs the workers.

It does not know jobs or the store, only orders and reports. `inline` and `on_ray`
implement it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cluster.jobs.job import Stage
from cluster.jobs.node import Node
from cluster.jobs.order import Order, Report

PIPELINE = "bodyswap.pipeline:Pipeline"


@dataclass(frozen=True, kw_only=True)
class WorkerConfig:
    """What a worker is made from, in whatever process.

    `pipeline` is "module:class"; `scratch` a folder on the worker's machine for its local files.
    """

    store_url: str
    scratch: Path
    pipeline: str = PIPELINE


class Runtime(Protocol):
    """Named workers, each doing one order at a time."""

    @property
    def capacity(self) -> int:
        """How many workers it may have at once for one stage."""

    @property
    def workers(self) -> tuple[str, ...]:
        """Every live worker. One that dies is replaced under another name."""

    @property
    def idle_workers(self) -> tuple[str, ...]:
        """Those without an order."""

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The machines it has, as far as it knows them."""

    @property
    def leaving_nodes(self) -> tuple[str, ...]:
        """The machines that are about to leave: nothing is placed there any more."""

    def stages_of(self, worker: str) -> frozenset[Stage]:
        """What a live worker has the resources for."""

    def want(self, shards: Mapping[Stage, int]) -> None:
        """Say how many shards could be under work now, of each stage."""

    def rest(self) -> None:
        """Give every worker up: the farm is another controller's."""

    def drain(self, nodes: Collection[str]) -> None:
        """Say which machines are to be left: their workers hand their shards back."""

    def start(self, worker: str, order: Order) -> None:
        """Hand `order` to an idle worker and return at once."""

    def stop(self, worker: str) -> None:
        """End the worker, whatever it is doing, and return at once.

        Its order's end is heard, and it is gone from `workers`, when that is certain.
        """

    def poll(self, timeout_s: float) -> list[Report]:
        """What was heard since the last call, waiting up to `timeout_s` for the first of it.

        Every started order ends in exactly one of Done, Failed and HandedBack, also when its
        worker dies.
        """

    def close(self) -> None:
        """Stop every worker, whatever it is doing, and remove the local files."""
