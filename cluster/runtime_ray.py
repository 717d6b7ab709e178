"""Workers as Ray actors: one warm process each, on this machine or on a whole cluster.

It does not know jobs or the store. A dead actor's order is reported as a death, and the actor is
replaced under a new name.
"""

import logging
import os
import shutil
import time
from collections import Counter
from dataclasses import dataclass
from typing import cast

import ray
from ray.actor import ActorHandle
from ray.exceptions import RayError, RayTaskError

from bodyswap.errors import BodyswapError, UsageError
from cluster.failures import Failure, classify, death, ray_cause
from cluster.order import Ending, Failed, Order, Progressed, Report
from cluster.ray_access import check_ray_access
from cluster.runtime import WorkerConfig
from cluster.worker import build_worker

_ASK_EVERY_S = 0.25
_MOST_LOCAL_WORKERS = 4
_ORDERS_A_LIFE = 64
"""After so many a worker is replaced by a fresh one: whatever it leaks goes with it."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one worker gets of a machine."""

    cpus: float
    gpus: float
    threads: int


def default_workers(*, cpus: int, gpus: int) -> int:
    """One worker a GPU; without GPUs a few, each with a part of the cores."""
    return gpus or max(1, min(cpus, _MOST_LOCAL_WORKERS))


def share(*, cpus: int, gpus: int, workers: int) -> Share:
    """An equal part of the resources; Ray wants whole numbers above 1."""
    return Share(
        cpus=_part(cpus, workers), gpus=_part(gpus, workers), threads=max(1, cpus // workers)
    )


class RayRuntime:
    """Ray actors, started with Ray on this machine, or in the cluster at `address`."""

    def __init__(
        self,
        config: WorkerConfig,
        *,
        workers: int | None = None,
        address: str | None = None,
        orders_a_life: int = _ORDERS_A_LIFE,
    ) -> None:
        if workers is not None and workers < 1:
            raise UsageError(f"{workers} workers were asked for; give at least 1")
        self._config = config
        self._orders_a_life = orders_a_life
        self._owns_ray = not ray.is_initialized()
        if self._owns_ray:
            start_ray(address)
        resources = ray.cluster_resources()  # type: ignore[no-untyped-call]  # ray's types are partial
        cpus, gpus = int(resources.get("CPU", 1)), int(resources.get("GPU", 0))
        count = workers or default_workers(cpus=cpus, gpus=gpus)
        # A cluster may grow: there each worker asks for a whole GPU, of a machine to come perhaps.
        is_whole = address is not None and 0 < gpus < count
        self._share = share(cpus=cpus, gpus=gpus, workers=gpus if is_whole else count)
        self._actors: dict[str, ActorHandle[_ActorProcess]] = {}
        self._orders_done: Counter[str] = Counter()
        self._spawned = 0
        self._running: dict[ray.ObjectRef[Ending], tuple[str, Order]] = {}
        self._asked: dict[ray.ObjectRef[Progressed], tuple[str, Order]] = {}
        self._asked_at_s = 0.0
        for _ in range(count):
            self._spawn()

    @property
    def workers(self) -> tuple[str, ...]:
        return tuple(self._actors)

    @property
    def idle_workers(self) -> tuple[str, ...]:
        busy = {worker for worker, _ in self._running.values()}
        return tuple(worker for worker in self._actors if worker not in busy)

    def start(self, worker: str, order: Order) -> None:
        assert worker in self.idle_workers, f"worker {worker} is not idle"
        self._running[self._actors[worker].run.remote(order)] = (worker, order)

    def stop(self, worker: str) -> None:
        if worker in self._actors:
            ray.kill(self._actors[worker], no_restart=True)

    def poll(self, timeout_s: float) -> list[Report]:
        self._ask_for_progress()
        waited_for = [*self._running, *self._asked]
        if not waited_for:
            time.sleep(timeout_s)
            return []
        ray.wait(waited_for, num_returns=1, timeout=timeout_s)
        ready, _ = ray.wait(waited_for, num_returns=len(waited_for), timeout=0)
        # Progress first, so that no order is heard of after its end.
        heard = [self._progress(ref) for ref in ready if ref in self._asked]
        endings = [self._ending(ref) for ref in ready if ref in self._running]
        return [report for report in heard if report is not None] + endings

    def close(self) -> None:
        for actor in self._actors.values():
            ray.kill(actor, no_restart=True)
        self._actors.clear()
        if self._owns_ray:
            ray.shutdown()
        shutil.rmtree(self._config.scratch, ignore_errors=True)

    def _spawn(self) -> None:
        self._spawned += 1
        name = f"ray-{self._spawned}"
        options = ray.remote(_ActorProcess).options(
            num_cpus=self._share.cpus,
            num_gpus=self._share.gpus,
            max_restarts=0,
            max_task_retries=0,
            # One thread does the order, the other answers how far it is.
            max_concurrency=2,
        )
        handle = options.remote(name, self._config, self._share.threads)
        self._actors[name] = cast(ActorHandle[_ActorProcess], handle)

    def _ask_for_progress(self) -> None:
        now_s = time.monotonic()
        if now_s < self._asked_at_s + _ASK_EVERY_S:
            return
        self._asked_at_s = now_s
        waiting = {worker for worker, _ in self._asked.values()}
        for worker, order in self._running.values():
            if worker not in waiting:
                self._asked[self._actors[worker].progress.remote(order)] = (worker, order)

    def _progress(self, ref: ray.ObjectRef[Progressed]) -> Report | None:
        del self._asked[ref]
        try:
            heard: Progressed = ray.get(ref)
        except RayError:
            # The order's own end tells more.
            return None
        return heard

    def _ending(self, ref: ray.ObjectRef[Ending]) -> Report:
        worker, order = self._running.pop(ref)
        self._orders_done[worker] += 1
        try:
            ending: Ending = ray.get(ref)
        except RayTaskError as error:
            failure = classify(error, worker=worker, at_s=time.time())
        except RayError as error:
            failure = self._bury(worker, error)
        else:
            if self._orders_done[worker] >= self._orders_a_life:
                self._replace(worker)
            return ending
        return Failed(lease=order.lease, failure=failure)

    def _bury(self, worker: str, error: RayError) -> Failure:
        self._replace(worker)
        return death(worker=worker, at_s=time.time(), evidence=str(error), cause=ray_cause(error))

    def _replace(self, worker: str) -> None:
        # Ray may think a process dead that is only out of reach: make sure before it is replaced.
        ray.kill(self._actors.pop(worker), no_restart=True)
        del self._orders_done[worker]
        self._spawn()


class _ActorProcess:
    """A worker in its own process; frames never leave it."""

    def __init__(self, name: str, config: WorkerConfig, threads: int) -> None:
        # Read by torch when the first order imports it; without it each worker takes every core.
        os.environ["OMP_NUM_THREADS"] = str(threads)
        self._worker = build_worker(name, config)
        self._frames_done = 0
        self._order: Order | None = None

    def run(self, order: Order) -> Ending:
        self._order, self._frames_done = order, 0
        return self._worker.run(order, self._count)

    def progress(self, order: Order) -> Progressed:
        """How far the order is, and what was measured of it."""
        if self._order is None or self._order.lease != order.lease:
            return Progressed(lease=order.lease, frames_done=0)
        figures = self._worker.gauge.read(order.lease)
        return Progressed(lease=order.lease, frames_done=self._frames_done, figures=figures)

    def _count(self, frames_done: int) -> None:
        self._frames_done = frames_done


def start_ray(address: str | None) -> None:
    """Start Ray on this machine, or join the cluster at `address`; never one without tokens.

    Raises:
        UsageError: others could use it without a token.
        BodyswapError: it cannot be reached.
    """
    check_ray_access(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # What a worker's process has started ends with it, however it ends.
    os.environ.setdefault("RAY_process_group_cleanup_enabled", "true")
    try:
        if address is None:
            ray.init(
                address="local",
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        else:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = address or "this machine"
        raise BodyswapError(f"Ray on {where} cannot be reached: {error}") from error


def _part(total: int, workers: int) -> float:
    return total // workers if total >= workers else int(total / workers * 1000) / 1000
