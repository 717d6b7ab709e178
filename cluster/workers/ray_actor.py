"""What runs in a Ray worker's process. It does not know who gives the orders."""

import os
from dataclasses import dataclass
from pathlib import Path

import ray

from cluster.jobs.figures import Figures
from cluster.jobs.lease import Lease
from cluster.jobs.order import Ending, Order
from cluster.workers.process_tree import Process, end_tree, lead_group
from cluster.workers.runtime import WorkerConfig
from cluster.workers.worker import build_worker


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """How far a worker is with which lease, and how much memory its process has."""

    lease: Lease | None
    frames_done: int
    memory_bytes: int
    figures: Figures | None = None


@dataclass(frozen=True, kw_only=True)
class Finished:
    """How an order ended, and how much memory the process has after it."""

    ending: Ending
    memory_bytes: int


class ActorProcess:
    """A worker in its own process; frames never leave it, and its children end with it."""

    def __init__(self, name: str, config: WorkerConfig, threads: int) -> None:
        # Read by torch when the first order imports it; without it each worker takes every core.
        os.environ["OMP_NUM_THREADS"] = str(threads)
        if not ray.get_gpu_ids():
            # Ray leaves one that asked for no GPU all that its machine has, others' too.
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        self._process = lead_group()
        self._worker = build_worker(name, config)
        self._frames_done = 0
        self._order: Order | None = None

    def greet(self) -> tuple[str, Process]:
        """The id of the node it came to be on, and its process there."""
        return ray.get_runtime_context().get_node_id(), self._process

    def run(self, order: Order) -> Finished:
        self._order, self._frames_done = order, 0
        ending = self._worker.run(order, self._count)
        return Finished(ending=ending, memory_bytes=_resident_bytes())

    def end(self, process: Process, within_s: float) -> bool:
        """End a process of this node, maybe this one; True once it is certain that it is gone."""
        return end_tree(process, within_s)

    def pulse(self) -> Pulse:
        lease = self._order.lease if self._order else None
        return Pulse(
            lease=lease,
            frames_done=self._frames_done,
            memory_bytes=_resident_bytes(),
            figures=self._worker.gauge.read(lease) if lease else None,
        )

    def _count(self, frames_done: int) -> None:
        self._frames_done = frames_done


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
