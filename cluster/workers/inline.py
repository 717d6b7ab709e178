"""One worker in a thread of this process: laptops, tests, `bodyswap render` without a farm.

It does not know jobs or the store.
"""

import queue
import shutil
import threading
from collections.abc import Collection, Mapping

from bodyswap.errors import JobError
from cluster.jobs.job import Stage
from cluster.jobs.lease import Lease
from cluster.jobs.node import Node
from cluster.jobs.order import Ending, Order, Progressed, Report
from cluster.workers.runtime import WorkerConfig
from cluster.workers.worker import build_worker

_NAME = "inline"


class InlineRuntime:
    """One order at a time."""

    def __init__(self, config: WorkerConfig) -> None:
        self._config = config
        self._worker = build_worker(_NAME, config)
        self._orders: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._is_busy = False
        self._should_stop = threading.Event()
        # A daemon, so that an interrupted program does not wait for the shard at hand.
        self._thread = threading.Thread(target=self._work, name="bodyswap-worker", daemon=True)
        self._thread.start()

    @property
    def capacity(self) -> int:
        return 1

    @property
    def workers(self) -> tuple[str, ...]:
        return (_NAME,)

    @property
    def idle_workers(self) -> tuple[str, ...]:
        return () if self._is_busy else (_NAME,)

    @property
    def nodes(self) -> tuple[Node, ...]:
        return ()

    @property
    def leaving_nodes(self) -> tuple[str, ...]:
        return ()

    def stages_of(self, worker: str) -> frozenset[Stage]:
        return frozenset(Stage)

    def want(self, shards: Mapping[Stage, int]) -> None:
        """Its one worker is there, whatever is wanted."""

    def rest(self) -> None:
        """Its worker's orders are stopped one by one."""

    def drain(self, nodes: Collection[str]) -> None:
        """Its machine is this one: whoever wants it to leave ends the process."""

    def start(self, worker: str, order: Order) -> None:
        assert worker == _NAME and not self._is_busy, "the inline worker does one order at a time"
        self._is_busy = True
        self._should_stop.clear()
        self._orders.put(order)

    def stop(self, worker: str) -> None:
        """Only between two frames: a thread cannot be killed, and one that hangs goes on to."""
        self._should_stop.set()

    def poll(self, timeout_s: float) -> list[Report]:
        reports: list[Report] = []
        try:
            reports.append(self._reports.get(timeout=timeout_s))
            while True:
                reports.append(self._reports.get_nowait())
        except queue.Empty:
            pass
        if any(isinstance(report, Ending) for report in reports):
            self._is_busy = False
        return reports

    def close(self) -> None:
        """Stop the worker if it is idle; one in the middle of an order ends with the process."""
        self._orders.put(None)
        if not self._is_busy:
            self._thread.join()
        shutil.rmtree(self._config.scratch, ignore_errors=True)

    def _work(self) -> None:
        while (order := self._orders.get()) is not None:
            lease = order.lease

            def on_frame(frames_done: int, lease: Lease = lease) -> None:
                figures = self._worker.gauge.read(lease)
                self._reports.put(Progressed(lease=lease, frames_done=frames_done, figures=figures))
                if self._should_stop.is_set():
                    raise JobError(f"{lease.shard} was stopped")

            self._reports.put(self._worker.run(order, on_frame))
