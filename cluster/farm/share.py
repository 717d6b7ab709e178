"""Which shard gets the next idle worker: fair between projects, then by priority, then by age.

Pure. A project's due is its weight's part of the workers at work. Within a project the job of the
highest priority comes first, of equals the one submitted first; within a job the longest shard.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from cluster.jobs.plan import Shard
from cluster.jobs.snapshot import JobView, ProjectShare, ShardView, Snapshot, WorkerView

_PLAIN_SHARE = ProjectShare()


@dataclass(frozen=True, kw_only=True)
class Match:
    """A shard and the worker that is to have it."""

    job: JobView
    view: ShardView
    worker: str


def match_workers(
    snapshot: Snapshot, jobs: Sequence[JobView], *, but: Collection[tuple[str, Shard]] = ()
) -> Iterator[Match]:
    """A shard for every idle worker, as far as there are shards for them in `jobs`.

    None of those in `but`, named by job and shard, which are about to change.
    """
    workers = usable(snapshot)
    idle = [worker for worker in workers if worker.is_idle]
    if not idle or not jobs:
        return
    running = Counter(snapshot.running)
    queues = {
        project: _waiting([job for job in jobs if job.spec.project == project], snapshot.now_s, but)
        for project in sorted({job.spec.project for job in jobs})
    }
    while idle and queues:
        project = min(queues, key=lambda name: _served(name, running, snapshot))
        found = None
        if not _is_at_quota(project, running, snapshot):
            found = _next_match(queues[project], idle, workers)
        if found is None:
            del queues[project]
            continue
        running[project] += 1
        idle = [worker for worker in idle if worker.name != found.worker]
        yield found


def usable(snapshot: Snapshot) -> tuple[WorkerView, ...]:
    """The workers that are not benched; all of them where that would leave none."""
    playing = tuple(w for w in snapshot.workers if w.benched_until_s <= snapshot.now_s)
    return playing or snapshot.workers


def is_at_quota(project: str, snapshot: Snapshot) -> bool:
    """True where the project has all the workers that it may have."""
    return _is_at_quota(project, snapshot.running, snapshot)


def _waiting(
    jobs: list[JobView], now_s: float, but: Collection[tuple[str, Shard]]
) -> Iterator[tuple[JobView, ShardView]]:
    for job in sorted(jobs, key=lambda job: (-job.priority, job.spec.submitted_at, job.spec.job)):
        for view in job.ready(now_s):
            if (job.spec.job, view.shard) not in but:
                yield job, view


def _next_match(
    queue: Iterator[tuple[JobView, ShardView]],
    idle: Sequence[WorkerView],
    workers: Sequence[WorkerView],
) -> Match | None:
    """The first of the queue that an idle worker may have; those before it wait for another."""
    for job, view in queue:
        worker = _pick(job, view, idle, workers)
        if worker is not None:
            return Match(job=job, view=view, worker=worker.name)
    return None


def _pick(
    job: JobView, view: ShardView, idle: Sequence[WorkerView], workers: Sequence[WorkerView]
) -> WorkerView | None:
    """A worker for the stage that has not failed the shard, with the subject loaded if any has."""
    stage = view.shard.stage
    idle = [worker for worker in idle if stage in worker.stages]
    workers = [worker for worker in workers if stage in worker.stages]
    if not idle:
        return None
    failed = {failure.worker for failure in view.failures}
    fresh = [worker for worker in idle if worker.name not in failed]
    if not fresh and any(worker.name not in failed for worker in workers):
        return None
    wanted = job.spec.subject.digest
    # A worker with nothing loaded comes before one that would have to drop another's subject.
    return min(
        fresh or idle, key=lambda worker: (worker.subject != wanted, worker.subject is not None)
    )


def _served(project: str, running: Counter[str], snapshot: Snapshot) -> tuple[float, str]:
    share = snapshot.shares.get(project, _PLAIN_SHARE)
    return running[project] / share.weight, project


def _is_at_quota(project: str, running: Counter[str], snapshot: Snapshot) -> bool:
    most = snapshot.shares.get(project, _PLAIN_SHARE).most_workers
    return most is not None and running[project] >= most
