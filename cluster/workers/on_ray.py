"""Workers as Ray actors: one warm process each, on this machine or on a whole cluster.

It does not know jobs or the store. A dead actor's order is reported as a death once its process is
known to be gone, and the actor is replaced under a new name.
"""

import logging
import math
import shutil
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, cast

import ray
from ray.actor import ActorHandle
from ray.exceptions import RayError, RayTaskError

from cluster.jobs.failures import Cause, Failure, classify, death, ray_cause
from cluster.jobs.job import Stage
from cluster.jobs.order import Failed, HandedBack, Order, Progressed, Report
from cluster.workers.crew import CrewPlan, cluster_share, crews
from cluster.workers.demand import Demand
from cluster.workers.ending import begin_end, has_ended
from cluster.workers.hand import Hand
from cluster.workers.process_tree import Process
from cluster.workers.ray_actor import ActorProcess, Finished, Pulse
from cluster.workers.ray_nodes import drain_nodes, leaving_nodes, ray_resources, start_ray
from cluster.workers.runtime import WorkerConfig
from cluster.workers.settings import FarmSettings

_ASK_EVERY_S = 0.25
_LOOK_EVERY_S = 1.0
_GIVE_UP_CONFIRMING_S = 60.0
_LONGEST_PAUSE_S = 30.0

_log = logging.getLogger(__name__)


class RayRuntime:
    """Ray actors, started with Ray on this machine, or in the cluster that `settings` name."""

    def __init__(self, config: WorkerConfig, settings: FarmSettings | None = None) -> None:
        self._config = config
        self._settings = settings or FarmSettings()
        self._owns_ray = not ray.is_initialized()
        if self._owns_ray:
            start_ray(self._settings.address)
        resources = ray.cluster_resources()  # type: ignore[no-untyped-call]  # ray's types are partial
        part, count = cluster_share(resources, self._settings)
        self._crews = crews(self._settings, part, count)
        self._demand = Demand(self._crews, self._settings)
        self._hands: dict[str, Hand] = {}
        self._hired = 0
        self._awaited: dict[ray.ObjectRef[Any], tuple[Hand, Callable[..., Report | None]]] = {}
        self._asked_at_s = self._looked_at_s = self._hires_at_s = 0.0
        self._hire_failures = 0
        self._told_to_drain: tuple[str, ...] = ()
        self._leaving: dict[str, str] = {}

    @property
    def capacity(self) -> int:
        return max(crew.most for crew in self._crews)

    @property
    def workers(self) -> tuple[str, ...]:
        return tuple(name for name, hand in self._hands.items() if hand.process)

    @property
    def idle_workers(self) -> tuple[str, ...]:
        return tuple(
            name
            for name, hand in self._hands.items()
            if hand.process and hand.order is None and hand.left_at_s is None
        )

    @property
    def leaving_nodes(self) -> tuple[str, ...]:
        return tuple(sorted(self._leaving.values()))

    def stages_of(self, worker: str) -> frozenset[Stage]:
        return self._hands[worker].crew.stages

    def want(self, shards: Mapping[Stage, int]) -> None:
        self._demand.want(shards, now_s=time.monotonic())

    def rest(self) -> None:
        self._demand.rest()
        for hand in list(self._hands.values()):
            if hand.left_at_s is None:
                self._lose(hand, None)

    def drain(self, nodes: Collection[str]) -> None:
        self._told_to_drain = tuple(nodes)

    def start(self, worker: str, order: Order) -> None:
        assert worker in self.idle_workers, f"worker {worker} is not idle"
        hand = self._hands[worker]
        hand.order, hand.busy_at_s = order, time.monotonic()
        self._await(hand.handle.run.remote(order), hand, self._ended)

    def stop(self, worker: str) -> None:
        hand = self._hands.get(worker)
        if hand is not None and hand.left_at_s is None:
            self._lose(hand, death(worker=worker, at_s=time.time(), evidence="it was told to stop"))

    def poll(self, timeout_s: float) -> list[Report]:
        self._look_around()
        reports = self._without_hope()
        if not self._awaited:
            time.sleep(timeout_s)
            return reports
        ray.wait(list(self._awaited), num_returns=1, timeout=0 if reports else timeout_s)
        ready, _ = ray.wait(list(self._awaited), num_returns=len(self._awaited), timeout=0)
        # Progress first, so that no order is heard of after its end.
        for ref in sorted(ready, key=lambda ref: self._awaited[ref][1] == self._ended):
            if ref in self._awaited:
                hand, hear = self._awaited.pop(ref)
                report = hear(hand, ref)
                reports += [report] if report is not None else []
        return reports

    def close(self) -> None:
        for hand in self._hands.values():
            ray.kill(hand.handle, no_restart=True)
        self._hands.clear()
        self._awaited.clear()
        self._demand.end()
        if self._owns_ray:
            ray.shutdown()
        shutil.rmtree(self._config.scratch, ignore_errors=True)

    def _await(
        self, ref: "ray.ObjectRef[Any]", hand: Hand, hear: Callable[..., Report | None]
    ) -> None:
        self._awaited[ref] = (hand, hear)

    def _look_around(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._asked_at_s + _ASK_EVERY_S:
            self._asked_at_s = now_s
            self._take_pulses(now_s)
            self._fill(now_s)
        if now_s >= self._looked_at_s + _LOOK_EVERY_S:
            self._looked_at_s = now_s
            self._clear_leaving_nodes()

    def _take_pulses(self, now_s: float) -> None:
        """Of those at work often, of the idle ones now and then: they may be dead as well."""
        for hand in self._hands.values():
            is_due = hand.order is not None or now_s >= hand.busy_at_s + _LOOK_EVERY_S
            if hand.process and hand.left_at_s is None and not hand.is_asked and is_due:
                hand.is_asked = True
                hand.busy_at_s = now_s
                self._await(hand.handle.pulse.remote(), hand, self._pulsed)

    def _fill(self, now_s: float) -> None:
        for crew in self._crews:
            there = [h for h in self._hands.values() if h.crew is crew and h.left_at_s is None]
            for hand in [h for h in there if h.order is None][
                : max(0, len(there) - self._demand.of(crew))
            ]:
                self._lose(hand, None)
            if now_s >= self._hires_at_s:
                for _ in range(self._demand.of(crew) - len(there)):
                    self._hire(crew)

    def _hire(self, crew: CrewPlan) -> None:
        self._hired += 1
        name = f"ray-{self._hired}"
        asked = ray_resources(crew.resources)
        options = ray.remote(ActorProcess).options(
            num_cpus=asked.pop("CPU", 0),
            num_gpus=asked.pop("GPU", 0),
            memory=asked.pop("memory", None),
            resources=asked,
            max_restarts=0,
            max_task_retries=0,
            # One thread does the order, the other answers how far it is.
            max_concurrency=2,
        )
        handle = options.remote(name, self._config, crew.threads)
        hand = Hand(name=name, crew=crew, handle=cast(ActorHandle[ActorProcess], handle))
        self._hands[name] = hand
        self._await(hand.handle.greet.remote(), hand, self._greeted)

    def _greeted(self, hand: Hand, ref: "ray.ObjectRef[tuple[str, Process]]") -> None:
        if hand.left_at_s is not None:
            return
        try:
            hand.node, hand.process = ray.get(ref)
            hand.busy_at_s = time.monotonic()
            self._hire_failures = 0
        except RayError as error:
            self._hire_failures += 1
            pause_s = min(_LONGEST_PAUSE_S, math.ldexp(0.5, min(self._hire_failures, 8)))
            self._hires_at_s = time.monotonic() + pause_s
            _log.warning("%s did not come up, again in %.0f s: %s", hand.name, pause_s, error)
            self._lose(hand, None)

    def _pulsed(self, hand: Hand, ref: "ray.ObjectRef[Pulse]") -> Report | None:
        hand.is_asked = False
        try:
            pulse = ray.get(ref)
        except RayError as error:
            # Of one at work, the order's own end tells more.
            if hand.order is None and hand.left_at_s is None:
                _log.warning("%s died without work: %s", hand.name, error)
                self._lose(hand, None)
            return None
        hand.memory_bytes = pulse.memory_bytes
        if hand.order is None or pulse.lease != hand.order.lease or hand.left_at_s is not None:
            return None
        return Progressed(lease=pulse.lease, frames_done=pulse.frames_done, figures=pulse.figures)

    def _ended(self, hand: Hand, ref: "ray.ObjectRef[Finished]") -> Report | None:
        order = hand.order
        if order is None or hand.left_at_s is not None:
            return None
        try:
            finished = ray.get(ref)
            ending, hand.memory_bytes = finished.ending, finished.memory_bytes
        except RayTaskError as error:
            failure = classify(error, worker=hand.name, at_s=time.time())
            ending = Failed(lease=order.lease, failure=failure)
        except RayError as error:
            cause = ray_cause(error)
            at_s, evidence = time.time(), str(error)
            self._lose(hand, death(worker=hand.name, at_s=at_s, evidence=evidence, cause=cause))
            return None
        hand.order = None
        hand.orders_done += 1
        if hand.is_worn(self._settings):
            self._lose(hand, None)
        return ending

    def _lose(self, hand: Hand, failure: Failure | None) -> None:
        """End the worker; what became of its order is told when its process is known to be gone."""
        hand.left_at_s = time.monotonic()
        gone = partial(self._gone, failure=failure)
        if hand.process is None:
            ray.kill(hand.handle, no_restart=True)
            del self._hands[hand.name]
            return
        is_leaving = hand.node in self._leaving
        self._await(begin_end(hand, self._hands.values(), is_leaving=is_leaving), hand, gone)

    def _gone(
        self, hand: Hand, ref: "ray.ObjectRef[bool] | None", failure: Failure | None
    ) -> Report | None:
        is_certain = ref is not None and has_ended(hand, ref)
        if not is_certain:
            ray.kill(hand.handle, no_restart=True)
        del self._hands[hand.name]
        if hand.order is None:
            return None
        lease = hand.order.lease
        if failure is None:
            return HandedBack(lease=lease)
        if not is_certain:
            lost = death(worker=hand.name, at_s=failure.at_s, evidence="", cause=Cause.LOST)
            failure = replace(lost, evidence=failure.evidence)
        return Failed(lease=lease, failure=failure)

    def _without_hope(self) -> list[Report]:
        """The ends of those whose machines do not even say whether they are gone."""
        too_late_s = time.monotonic() - _GIVE_UP_CONFIRMING_S
        reports = []
        for ref, (hand, hear) in list(self._awaited.items()):
            if isinstance(hear, partial) and hand.left_at_s and hand.left_at_s < too_late_s:
                del self._awaited[ref]
                reports.append(hear(hand, None))
        return [report for report in reports if report is not None]

    def _clear_leaving_nodes(self) -> None:
        """A node that is about to leave gets nothing more, and its shards go to others at once."""
        drain_nodes(self._told_to_drain)
        self._leaving = leaving_nodes()
        for hand in list(self._hands.values()):
            if hand.node in self._leaving and hand.left_at_s is None:
                self._lose(hand, None)
