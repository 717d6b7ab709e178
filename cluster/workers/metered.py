"""A runtime that somebody listens in on: for metrics, not for control."""

from collections.abc import Callable, Collection, Mapping

from cluster.jobs.job import Stage
from cluster.jobs.lease import Lease
from cluster.jobs.node import Node
from cluster.jobs.order import Order, Report
from cluster.workers.runtime import Runtime


class MeteredRuntime:
    """`runtime`; `begin` is told of every lease given to a worker, `hear` of every report."""

    def __init__(
        self,
        runtime: Runtime,
        *,
        begin: Callable[[Lease], None],
        hear: Callable[[Report], None],
    ) -> None:
        self._runtime, self._begin, self._hear = runtime, begin, hear

    @property
    def capacity(self) -> int:
        return self._runtime.capacity

    @property
    def nodes(self) -> tuple[Node, ...]:
        return self._runtime.nodes

    @property
    def leaving_nodes(self) -> tuple[str, ...]:
        return self._runtime.leaving_nodes

    def stages_of(self, worker: str) -> frozenset[Stage]:
        return self._runtime.stages_of(worker)

    def want(self, shards: Mapping[Stage, int]) -> None:
        self._runtime.want(shards)

    def rest(self) -> None:
        self._runtime.rest()

    def drain(self, nodes: Collection[str]) -> None:
        self._runtime.drain(nodes)

    @property
    def workers(self) -> tuple[str, ...]:
        return self._runtime.workers

    @property
    def idle_workers(self) -> tuple[str, ...]:
        return self._runtime.idle_workers

    def start(self, worker: str, order: Order) -> None:
        self._runtime.start(worker, order)
        self._begin(order.lease)

    def stop(self, worker: str) -> None:
        self._runtime.stop(worker)

    def poll(self, timeout_s: float) -> list[Report]:
        reports = self._runtime.poll(timeout_s)
        for report in reports:
            self._hear(report)
        return reports

    def close(self) -> None:
        self._runtime.close()
