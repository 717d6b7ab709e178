"""What is kept of every attempt at a job's shards: who made it, how it ended, what it said.

It does not know who writes the logs.
"""

from dataclasses import dataclass

from cluster.jobs.failures import Failure
from cluster.jobs.keys import JobKeys
from cluster.jobs.lease import Lease
from cluster.stores.store import Store
from cluster.telling.seen import JobSeen, ShardSeen


@dataclass(frozen=True, kw_only=True)
class AttemptLog:
    """One attempt. `text` is its kept log or, where there is none, its failure's evidence."""

    shard: str
    attempt: str
    worker: str
    outcome: str
    text: str


def read_logs(store: Store, job: JobSeen, shard: str | None) -> tuple[AttemptLog, ...]:
    """The attempts at the shard of that name, or at all that were begun, oldest first.

    Raises:
        JobError: the job has no such shard.
    """
    shards = job.shards if shard is None else (job.shard(shard),)
    return tuple(_read(store, seen, lease) for seen in shards for lease in seen.leases)


def _read(store: Store, seen: ShardSeen, lease: Lease) -> AttemptLog:
    failure = _failure_of(seen, lease)
    kept = store.get(JobKeys(job=lease.job).log(lease))
    text = "" if kept is None else kept.decode(errors="replace")
    return AttemptLog(
        shard=seen.name,
        attempt=lease.attempt,
        worker=lease.worker,
        outcome=_outcome(seen, lease, failure),
        text=text or (failure.evidence if failure else ""),
    )


def _outcome(seen: ShardSeen, lease: Lease, failure: Failure | None) -> str:
    if seen.commit is not None and seen.commit.lease == lease:
        return "committed"
    if failure is not None:
        return f"failed: {failure.message}"
    return "running" if seen.running == lease else "given up"


def _failure_of(seen: ShardSeen, lease: Lease) -> Failure | None:
    """The lease's failure: a worker's failures come in the order of its leases."""
    theirs = [each for each in seen.leases if each.worker == lease.worker]
    failures = [each for each in seen.history if each.worker == lease.worker]
    return dict(zip((each.epoch for each in theirs), failures, strict=False)).get(lease.epoch)
