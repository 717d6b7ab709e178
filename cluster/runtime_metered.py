"""A runtime whose reports somebody listens in on: for metrics, not for control."""

from collections.abc import Callable

from cluster.order import Order, Report
from cluster.runtime import Runtime


class MeteredRuntime:
    """`runtime`, each of whose reports `hear` is told of before it is passed on."""

    def __init__(self, runtime: Runtime, hear: Callable[[Report], None]) -> None:
        self._runtime, self._hear = runtime, hear

    @property
    def workers(self) -> tuple[str, ...]:
        return self._runtime.workers

    @property
    def idle_workers(self) -> tuple[str, ...]:
        return self._runtime.idle_workers

    def start(self, worker: str, order: Order) -> None:
        self._runtime.start(worker, order)

    def stop(self, worker: str) -> None:
        self._runtime.stop(worker)

    def poll(self, timeout_s: float) -> list[Report]:
        reports = self._runtime.poll(timeout_s)
        for report in reports:
            self._hear(report)
        return reports

    def close(self) -> None:
        self._runtime.close()
