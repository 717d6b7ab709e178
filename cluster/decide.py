"""What the farm does next: a frozen snapshot in, a list of actions out.

Pure: it knows no store, no runtime and no clock; `controller` looks, asks here, and acts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bodyswap.config import Mode
from cluster.commit import Commit
from cluster.failures import Failure, is_exhausted, retry_at_s
from cluster.job import STATE_OF_STAGE, JobSpec, JobState, Stage
from cluster.plan import Plan, Shard


@dataclass(frozen=True, kw_only=True)
class ShardView:
    """What is known of one shard. `running_on` names the worker that has it now."""

    shard: Shard
    commit: Commit | None = None
    running_on: str | None = None
    failures: tuple[Failure, ...] = ()

    @property
    def is_waiting(self) -> bool:
        return self.commit is None and self.running_on is None


@dataclass(frozen=True, kw_only=True)
class JobView:
    """What is known of one job. `shards` holds those of every stage; none before the plan."""

    spec: JobSpec
    state: JobState
    plan: Plan | None = None
    shards: tuple[ShardView, ...] = ()
    is_published: bool = False

    def of(self, stage: Stage) -> tuple[ShardView, ...]:
        return tuple(view for view in self.shards if view.shard.stage is stage)

    def is_committed(self, stage: Stage) -> bool:
        return self.plan is not None and all(view.commit for view in self.of(stage))

    @property
    def stage(self) -> Stage | None:
        """The first stage that is not wholly committed; None after the last, and unplanned."""
        open_stages = (stage for stage in Stage if not self.is_committed(stage))
        return next(open_stages, None) if self.plan else None


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The farm at one instant; jobs in the order in which they should be served."""

    now_s: float
    jobs: tuple[JobView, ...]
    idle_workers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MakePlan:
    job: str


@dataclass(frozen=True, kw_only=True)
class Enter:
    """Write down that the job is in another state now."""

    job: str
    state: JobState


@dataclass(frozen=True, kw_only=True)
class Start:
    """Give the shard to the worker, with the commits that it builds on."""

    job: str
    shard: Shard
    worker: str
    inputs: tuple[Commit, ...]


@dataclass(frozen=True, kw_only=True)
class Publish:
    job: str


@dataclass(frozen=True, kw_only=True)
class Fail:
    """Give the job up: `shard` failed too often, `failure` last."""

    job: str
    shard: Shard
    failure: Failure


Action = MakePlan | Enter | Start | Publish | Fail


def decide(snapshot: Snapshot) -> list[Action]:
    """What to do now. Doing it, and asking again, does nothing twice."""
    actions: list[Action] = []
    idle = list(snapshot.idle_workers)
    for job in snapshot.jobs:
        if not job.state.is_final:
            actions += _for_job(job, idle, snapshot.now_s)
    return actions


def _for_job(job: JobView, idle: list[str], now_s: float) -> Iterator[Action]:
    spent = [view for view in job.shards if view.is_waiting and is_exhausted(view.failures)]
    if job.is_published:
        yield Enter(job=job.spec.job, state=JobState.PUBLISHED)
    elif spent:
        yield Fail(job=job.spec.job, shard=spent[0].shard, failure=spent[0].failures[-1])
    elif job.plan is None:
        yield MakePlan(job=job.spec.job)
    elif job.stage is None:
        yield Publish(job=job.spec.job)
    else:
        state = STATE_OF_STAGE[job.stage]
        if job.state.may_become(state):
            yield Enter(job=job.spec.job, state=state)
        yield from _starts(job, job.stage, idle, now_s)


def _starts(job: JobView, stage: Stage, idle: list[str], now_s: float) -> Iterator[Action]:
    ready = [
        view
        for view in job.of(stage)
        if view.is_waiting and retry_at_s(view.failures) <= now_s and _may_start(job, view)
    ]
    for view in sorted(ready, key=lambda view: (-len(view.shard.frames), view.shard.index)):
        if not idle:
            return
        worker = _pick(idle, view.failures)
        idle.remove(worker)
        yield Start(
            job=job.spec.job, shard=view.shard, worker=worker, inputs=inputs_of(job, view.shard)
        )


def inputs_of(job: JobView, shard: Shard) -> tuple[Commit, ...]:
    """The commits that `shard` is made from, as far as they are there, in the order of frames.

    A render shard's are the solve and, in exact mode, its predecessor.
    """
    match shard.stage:
        case Stage.POSE:
            views: tuple[ShardView, ...] = ()
        case Stage.SOLVE:
            views = job.of(Stage.POSE)
        case Stage.RENDER:
            views = job.of(Stage.SOLVE) + _predecessor(job, shard)
        case Stage.ASSEMBLE:
            views = job.of(Stage.RENDER)
    return tuple(view.commit for view in views if view.commit is not None)


def _may_start(job: JobView, view: ShardView) -> bool:
    return all(before.commit for before in _predecessor(job, view.shard))


def _predecessor(job: JobView, shard: Shard) -> tuple[ShardView, ...]:
    """The shard whose boundary state this one goes on from: in exact mode only."""
    is_chained = shard.stage is Stage.RENDER and job.spec.render_settings.mode is Mode.EXACT
    if not is_chained or shard.index == 0:
        return ()
    return (job.of(Stage.RENDER)[shard.index - 1],)


def _pick(idle: Sequence[str], failures: Sequence[Failure]) -> str:
    """A worker that has not failed this shard yet, if one is idle."""
    failed = {failure.worker for failure in failures}
    return next((worker for worker in idle if worker not in failed), idle[0])
