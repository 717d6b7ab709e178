"""What a farm tells of itself, so that whoever has only the store can see who works on it.

Losing it loses nothing, and nobody decides by it.
"""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from bodyswap.errors import IntegrityError, StoreError
from cluster.farm.decide import Action
from cluster.jobs.job import Stage
from cluster.jobs.keys import FARM_SEEN
from cluster.jobs.lease import Held
from cluster.jobs.node import Node
from cluster.jobs.snapshot import Snapshot, WorkerView
from cluster.stores.record import from_json, to_json
from cluster.stores.store import Store

Decide = Callable[[Snapshot], list[Action]]

_log = logging.getLogger(__name__)


TELL_EVERY_S = 5.0
"""How often a controller should tell."""

GONE_AFTER_S = 60.0
"""A farm that has told nothing for so long is thought gone."""

STARTED_WITHIN_S = 300.0
"""So long Ray may take to start, and another controller's term to lapse."""


@dataclass(frozen=True, kw_only=True)
class WorkerSeen:
    """A live worker and the shard it has, by job and name. Until it is off the bench it gets none.

    `advanced_at_s` is when the last of its `frames_done` was finished. It may do the shards of
    `stages`, of all where none is named.
    """

    name: str
    job: str = ""
    shard: str = ""
    frames_done: int = 0
    advanced_at_s: float | None = None
    benched_until_s: float = 0.0
    stages: tuple[Stage, ...] = ()

    @property
    def is_idle(self) -> bool:
        return not self.shard

    def may_do(self, stage: Stage) -> bool:
        """Whether it has the resources for that."""
        return not self.stages or stage in self.stages


@dataclass(frozen=True, kw_only=True)
class QuotaSeen:
    """How many workers a project has now, and how many it may have at once."""

    project: str
    running: int
    most: int


@dataclass(frozen=True, kw_only=True)
class FarmSeen:
    """A farm at `at_s`, seconds since 1970. Projects without a quota are not in `quotas`.

    One that `is_starting` has said no more yet than that it will be there.
    """

    controller: str
    at_s: float
    workers: tuple[WorkerSeen, ...] = ()
    quotas: tuple[QuotaSeen, ...] = ()
    nodes: tuple[Node, ...] = ()
    leaving_nodes: tuple[str, ...] = ()
    is_starting: bool = False

    def is_gone(self, now_s: float) -> bool:
        patience_s = STARTED_WITHIN_S if self.is_starting else GONE_AFTER_S
        return now_s - self.at_s > patience_s

    def worker(self, name: str) -> WorkerSeen | None:
        return next((worker for worker in self.workers if worker.name == name), None)

    def spent_quota(self, project: str) -> QuotaSeen | None:
        """The project's quota, if all of it is in use."""
        quotas = (quota for quota in self.quotas if quota.project == project)
        return next((quota for quota in quotas if quota.running >= quota.most), None)


def farm_seen(snapshot: Snapshot, controller: str) -> FarmSeen:
    """What the controller of that name knows, for people."""
    at_work = {held.lease.worker: held for job in snapshot.jobs for held in job.held}
    running = Counter(job.spec.project for job in snapshot.jobs for _ in job.held)
    return FarmSeen(
        controller=controller,
        at_s=snapshot.now_s,
        workers=tuple(_worker(view, at_work.get(view.name)) for view in snapshot.workers),
        quotas=tuple(
            QuotaSeen(project=project, running=running[project], most=share.most_workers)
            for project, share in sorted(snapshot.shares.items())
            if share.most_workers is not None
        ),
        nodes=snapshot.nodes,
        leaving_nodes=snapshot.leaving_nodes,
    )


def _worker(view: WorkerView, held: Held | None) -> WorkerSeen:
    if held is None:
        return WorkerSeen(name=view.name, benched_until_s=view.benched_until_s, stages=_some(view))
    return WorkerSeen(
        name=view.name,
        job=held.lease.job,
        shard=held.lease.shard.name,
        frames_done=held.frames_done,
        advanced_at_s=held.advanced_at_s,
        benched_until_s=view.benched_until_s,
        stages=_some(view),
    )


def _some(view: WorkerView) -> tuple[Stage, ...]:
    """The stages that it has the resources for, unless that is all."""
    return () if len(view.stages) == len(Stage) else tuple(sorted(view.stages))


def telling(store: Store, controller: str, decide_next: Decide) -> Decide:
    """`decide_next` that tells the store now and then what it sees of the controller's farm."""
    told_at_s = float("-inf")

    def decide_and_tell(snapshot: Snapshot) -> list[Action]:
        nonlocal told_at_s
        if snapshot.now_s >= told_at_s + TELL_EVERY_S:
            told_at_s = snapshot.now_s
            try:
                tell_farm(store, farm_seen(snapshot, controller))
            except StoreError as error:
                # It is for people; the farm does without.
                _log.warning("what the farm does is not told just now: %s", error)
        return decide_next(snapshot)

    return decide_and_tell


def tell_farm(store: Store, seen: FarmSeen) -> None:
    """Say what the farm is now: every `TELL_EVERY_S`, by the one controller that drives it."""
    store.put(FARM_SEEN, to_json(seen))


def tell_starting(store: Store, controller: str, now_s: float) -> None:
    """Say that a farm is about to be there, unless one is there already."""
    try:
        before = see_farm(store)
        if before is None or before.is_gone(now_s):
            tell_farm(store, FarmSeen(controller=controller, at_s=now_s, is_starting=True))
    except (StoreError, IntegrityError) as error:
        _log.warning("that the farm starts is not told: %s", error)


def see_farm(store: Store) -> FarmSeen | None:
    """What the last farm told of itself; None where none ever did."""
    data = store.get(FARM_SEEN)
    return None if data is None else from_json(data, FarmSeen, what=FARM_SEEN)
