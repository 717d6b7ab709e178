"""What the controller knows of each worker: what it has loaded, and whether it can be trusted.

It does not know jobs' states. A worker that fails different shards, one after the other, is
benched for a while; a shard that fails on different workers is `failures`' to judge.
"""

from dataclasses import dataclass, field

from cluster.jobs.failures import Cause
from cluster.jobs.job import Stage
from cluster.jobs.lease import Lease
from cluster.jobs.plan import Shard
from cluster.jobs.snapshot import WorkerView
from cluster.workers.runtime import Runtime

SHARDS_TO_BENCH = 3
BENCH_S = 600.0


@dataclass(kw_only=True)
class _Record:
    subject: str | None = None
    failed: set[tuple[str, Shard]] = field(default_factory=set)
    benched_until_s: float = 0.0
    view: WorkerView | None = None
    """As it was seen last: most of a thousand workers are as they were a moment ago."""

    def seen(self, name: str, is_idle: bool, stages: frozenset[Stage]) -> WorkerView:
        view = self.view
        if (
            view is None
            or view.is_idle is not is_idle
            or view.subject != self.subject
            or view.benched_until_s != self.benched_until_s
            or view.stages != stages
        ):
            view = self.view = WorkerView(
                name=name,
                is_idle=is_idle,
                subject=self.subject,
                stages=stages,
                benched_until_s=self.benched_until_s,
            )
        return view


class Roster:
    """The record of every worker heard of, by name."""

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}

    def started(self, lease: Lease, subject: str) -> None:
        self._record(lease.worker).subject = subject

    def committed(self, worker: str) -> None:
        self._record(worker).failed.clear()

    def failed(self, lease: Lease, cause: Cause, now_s: float) -> bool:
        """True where the worker is benched for it."""
        if not cause.is_held_against_worker:
            return False
        record = self._record(lease.worker)
        record.failed.add((lease.job, lease.shard))
        if len(record.failed) < SHARDS_TO_BENCH:
            return False
        record.failed.clear()
        record.benched_until_s = now_s + BENCH_S
        return True

    def views(self, runtime: Runtime) -> tuple[WorkerView, ...]:
        """The workers that `runtime` has now; the record of one that is gone is dropped."""
        workers, idle = runtime.workers, set(runtime.idle_workers)
        self._records = {name: self._record(name) for name in workers}
        return tuple(
            record.seen(name, name in idle, runtime.stages_of(name))
            for name, record in self._records.items()
        )

    def _record(self, worker: str) -> _Record:
        record = self._records.get(worker)
        if record is None:
            record = self._records[worker] = _Record()
        return record
