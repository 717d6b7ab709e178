"""What the farm does next: a frozen snapshot in, a list of actions out.

Pure: it knows no store, no runtime and no clock; `controller` looks, asks here, and acts.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cluster.farm.share import match_workers
from cluster.farm.tail import divide_tail
from cluster.jobs.commit import Commit
from cluster.jobs.failures import Failure, Verdict
from cluster.jobs.job import STATE_OF_STAGE, JobState
from cluster.jobs.lease import Held, Lease
from cluster.jobs.plan import Shard
from cluster.jobs.snapshot import JobView, ShardView, Snapshot


@dataclass(frozen=True, kw_only=True)
class MakePlan:
    """Cut the job into shards."""

    job: str


@dataclass(frozen=True, kw_only=True)
class Enter:
    """Write down that the job is in another state now."""

    job: str
    state: JobState


@dataclass(frozen=True, kw_only=True)
class Start:
    """Give the shard to the worker, with the commits that it builds on.

    `batch_divisor` above 1 asks for smaller batches than the settings' own.
    """

    job: str
    shard: Shard
    worker: str
    inputs: tuple[Commit, ...]
    batch_divisor: int = 1


@dataclass(frozen=True, kw_only=True)
class Divide:
    """Have the waiting shard done as several, each after the first begun at one of `at`."""

    job: str
    shard: Shard
    at: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Stop:
    """End the worker that has this lease. The lease is held on to until it is gone."""

    job: str
    lease: Lease


@dataclass(frozen=True, kw_only=True)
class Release:
    """Hold on to the lease no longer: its worker is gone, or for ever out of reach."""

    job: str
    lease: Lease


@dataclass(frozen=True, kw_only=True)
class Publish:
    """Release the job: its shards are joined and proven."""

    job: str


@dataclass(frozen=True, kw_only=True)
class GiveUp:
    """End the job as failed or quarantined: `shard` failed too often, `failure` last."""

    job: str
    state: JobState
    shard: Shard
    failure: Failure


Action = MakePlan | Enter | Divide | Start | Stop | Release | Publish | GiveUp


def decide(snapshot: Snapshot) -> list[Action]:
    """What to do now. Doing it, and asking again, does nothing twice."""
    actions: list[Action] = []
    startable = []
    alive = {worker.name for worker in snapshot.workers}
    for job in snapshot.jobs:
        actions += _for_held(job, alive, snapshot.now_s)
        if job.state.is_final or job.state is JobState.PAUSED:
            continue
        steps = list(_for_job(job))
        actions += steps
        goes_on = all(isinstance(step, Enter) and not step.state.is_final for step in steps)
        if goes_on and job.startable:
            startable.append(job)
    divided = [
        Divide(job=each.job.spec.job, shard=each.view.shard, at=each.at)
        for each in divide_tail(snapshot, startable)
    ]
    actions += divided
    but = {(action.job, action.shard) for action in divided}
    for match in match_workers(snapshot, startable, but=but):
        actions.append(
            Start(
                job=match.job.spec.job,
                shard=match.view.shard,
                worker=match.worker,
                inputs=match.job.inputs_of(match.view.shard),
                batch_divisor=match.view.batch_divisor,
            )
        )
    return actions


def _for_held(job: JobView, alive: set[str], now_s: float) -> Iterator[Action]:
    for held in job.held:
        lease = held.lease
        if lease.worker not in alive or held.is_out_of_reach(now_s):
            yield Release(job=lease.job, lease=lease)
        elif held.stop_asked_at_s is None and _should_stop(job, held, now_s):
            yield Stop(job=lease.job, lease=lease)


def _should_stop(job: JobView, held: Held, now_s: float) -> bool:
    return job.state in (JobState.CANCELLED, JobState.FAILED) or held.is_stalled(now_s)


def _for_job(job: JobView) -> Iterator[Action]:
    failing = [view for view in job.condemned if view.verdict is Verdict.FAIL]
    if job.is_published:
        yield Enter(job=job.spec.job, state=JobState.PUBLISHED)
    elif failing:
        yield _give_up(job, JobState.FAILED, failing[0])
    elif job.plan is None:
        yield MakePlan(job=job.spec.job)
    elif job.stage is None:
        yield from _for_rendered(job)
    elif job.condemned and not job.held and not job.startable:
        # Only now, so that the rest of the job is done before it ends.
        yield _give_up(job, JobState.QUARANTINED, job.condemned[0])
    else:
        yield from _towards(job, STATE_OF_STAGE[job.stage])


def _for_rendered(job: JobView) -> Iterator[Action]:
    yield from _towards(job, JobState.VERIFYING)
    yield Publish(job=job.spec.job)


def _towards(job: JobView, state: JobState) -> Iterator[Action]:
    if job.state.may_become(state):
        yield Enter(job=job.spec.job, state=state)


def _give_up(job: JobView, state: JobState, view: ShardView) -> GiveUp:
    return GiveUp(job=job.spec.job, state=state, shard=view.shard, failure=view.failures[-1])
