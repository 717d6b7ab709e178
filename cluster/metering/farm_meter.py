"""The farm's metrics, gathered beside the controller: it looks where the controller looks.

Nothing is decided by it, and what it cannot count now is not worth stopping for.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable
from itertools import product

from bodyswap.errors import IntegrityError, StoreError
from cluster.farm.decide import Action
from cluster.jobs.failures import Cause
from cluster.jobs.job import JobState, Stage
from cluster.jobs.lease import Lease
from cluster.jobs.progress import JobStatus
from cluster.jobs.snapshot import Snapshot
from cluster.metering.exporter import Registered
from cluster.metering.figure_meter import FigureMeter
from cluster.metering.job_meter import JobMeter, Tracer
from cluster.metering.metrics import Meters
from cluster.metering.shot_meter import measure_shot
from cluster.stores.store import Store
from cluster.workers.metered import MeteredRuntime
from cluster.workers.runtime import Runtime

Decide = Callable[[Snapshot], list[Action]]

_FORGET_AFTER_S = 60.0
"""A job that the store hides for a while is not in the snapshots meanwhile."""

_OPERATIONS = ("GetObject", "PutObject", "HeadObject", "ListObjectsV2", "CopyObject",
               "DeleteObject")  # fmt: skip
_OUTCOMES = ("ok", "4xx", "5xx", "unanswered")
WASTES = ("retry", "fenced", "cancelled", "warm-up", "repair")

_log = logging.getLogger(__name__)


class FarmMeter:
    """Counts what a controller's farm does, and tells a `tracer` of what is over."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], float] = time.time,
        tracer: Tracer | None = None,
    ) -> None:
        self._store, self._clock, self._tracer = store, clock, tracer
        self.meters = Meters()
        self.figures = FigureMeter(self.meters)
        self._jobs: dict[str, JobMeter] = {}
        self._benched: dict[str, float] = {}
        self._snapshot: Snapshot | None = None
        _begin_at_nothing(self.meters, clock())

    @property
    def collector(self) -> Registered:
        """What is to be served."""
        return Registered(self.meters.registry, self._refresh)

    def deciding(self, decide_next: Decide) -> Decide:
        """`decide_next`, whose snapshots are looked at here first."""

        def look_and_decide(snapshot: Snapshot) -> list[Action]:
            self.look(snapshot)
            return decide_next(snapshot)

        return look_and_decide

    def metered(self, runtime: Runtime) -> Runtime:
        """`runtime`, whose orders and reports are listened to here."""
        return MeteredRuntime(runtime, begin=self._begin, hear=self.figures.hear)

    def look(self, snapshot: Snapshot) -> None:
        """Count what has changed since the last look."""
        now_s = snapshot.now_s
        for view in snapshot.jobs:
            meter = self._jobs.get(view.spec.job)
            if meter is None:
                meter = self._jobs[view.spec.job] = JobMeter(view, self.meters, now_s, self._tracer)
            meter.look(view, now_s)
            if meter.last_commit_at_s == now_s:
                self.meters.put("last_commit_timestamp_seconds", now_s)
        for job, meter in list(self._jobs.items()):
            if now_s - meter.seen_at_s > _FORGET_AFTER_S:
                del self._jobs[job]
        self._look_at_benches(snapshot)
        self.meters.put("controller_seen_timestamp_seconds", now_s)
        self._snapshot = snapshot

    def hear(self, status: JobStatus) -> None:
        """Take in how far a job says it is."""
        meter = self._jobs.get(status.job)
        if meter is None or not meter.hear(status, self._clock()):
            return
        if status.state is JobState.PUBLISHED:
            try:
                measure_shot(self._store, status.job, self.meters)
            except (StoreError, IntegrityError) as error:
                _log.warning("the shot of job %s is not measured: %s", status.job, error)

    def _begin(self, lease: Lease) -> None:
        meter = self._jobs.get(lease.job)
        if meter is not None:
            meter.begin(lease, self._clock())

    def _look_at_benches(self, snapshot: Snapshot) -> None:
        benched = {view.name: view.benched_until_s for view in snapshot.workers}
        new = sum(until_s > self._benched.get(name, 0.0) for name, until_s in benched.items())
        self.meters.add("workers_benched", new)
        self._benched = benched

    def _refresh(self) -> None:
        self.figures.count_own()
        snapshot = self._snapshot
        if snapshot is not None:
            self._count_states(snapshot)

    def _count_states(self, snapshot: Snapshot) -> None:
        jobs: Counter[tuple[str, ...]] = Counter((str(view.state),) for view in snapshot.jobs)
        shards: Counter[tuple[str, ...]] = Counter()
        for view in snapshot.jobs:
            meter = self._jobs.get(view.spec.job)
            if meter is not None:
                shards.update(meter.shard_states)
        workers: Counter[tuple[str, ...]] = Counter(
            ("benched" if view.benched_until_s > snapshot.now_s else
             "idle" if view.is_idle else "busy",)
            for view in snapshot.workers
        )  # fmt: skip
        self.meters.put_all("jobs", jobs)
        self.meters.put_all("shards", shards)
        self.meters.put_all("workers", workers)
        waited = [
            self._clock() - meter.submitted_at_s
            for meter in list(self._jobs.values())
            if meter.is_untouched and meter.submitted_at_s is not None
        ]
        self.meters.put("queue_oldest_age_seconds", max(waited, default=0.0))


def _begin_at_nothing(meters: Meters, now_s: float) -> None:
    """What never happened is 0, so that its first time is seen as an increase."""
    for stage, cause in product(Stage, Cause):
        meters.add("attempts_failed", 0, stage, cause)
    for name, stage in product(
        ("shards_committed", "commits_fenced", "shards_quarantined", "frames", "device_seconds"),
        Stage,
    ):
        meters.add(name, 0, stage)
    for operation, outcome in product(_OPERATIONS, _OUTCOMES):
        meters.add("store_requests", 0, operation, outcome)
    for direction in ("sent", "received"):
        meters.add("store_bytes", 0, direction)
    for waste in WASTES:
        meters.add("wasted_seconds", 0, waste)
    for outcome in ("clean", "mended", "open"):
        meters.add("joins", 0, outcome)
    meters.add("consent_refusals", 0, "revoked")
    for kind in ("repeated", "stale"):
        meters.add("reports_ignored", 0, kind)
    meters.put_all("jobs", {(str(state),): 0.0 for state in JobState})
    meters.put_all("workers", {(state,): 0.0 for state in ("idle", "busy", "benched")})
    meters.put("last_commit_timestamp_seconds", now_s)
    meters.put("controller_seen_timestamp_seconds", now_s)
