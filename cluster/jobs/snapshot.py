"""What is known of the farm at one instant, frozen: all that `decide` may look at.

Pure: it does not know how any of it was learnt.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from bodyswap.errors import UsageError
from cluster.jobs.commit import Commit
from cluster.jobs.failures import Failure, Verdict, batch_divisor, is_due, verdict
from cluster.jobs.job import JobSpec, JobState, Stage
from cluster.jobs.lease import Held
from cluster.jobs.node import Node
from cluster.jobs.plan import Plan, Shard


@dataclass(frozen=True, kw_only=True)
class ShardView:
    """What is known of one shard. `held` is the lease it is under work by, if any."""

    shard: Shard
    commit: Commit | None = None
    held: Held | None = None
    failures: tuple[Failure, ...] = ()

    @property
    def is_waiting(self) -> bool:
        return self.commit is None and self.held is None

    @property
    def frames_done(self) -> int:
        if self.commit is not None:
            return len(self.shard.frames)
        return self.held.frames_done if self.held else 0

    @cached_property
    def verdict(self) -> Verdict:
        """What its failures lead to."""
        return verdict(self.failures) if self.failures else Verdict.RETRY

    @property
    def is_condemned(self) -> bool:
        """True where it will not be tried again."""
        return bool(self.failures) and self.is_waiting and self.verdict is not Verdict.RETRY

    @property
    def batch_divisor(self) -> int:
        """By how much the next attempt's batch is smaller than the settings'."""
        return batch_divisor(self.failures)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How much of a job's present stage is done; `shards_reused` is of all its stages."""

    shards_done: int
    shards_total: int
    frames_done: int
    frames_total: int
    shards_reused: int


@dataclass(frozen=True, kw_only=True)
class JobView:
    """What is known of one job. `shards` holds those of every stage; none before the plan.

    `priority` may have been changed since the job was submitted.
    """

    spec: JobSpec
    state: JobState
    priority: int
    plan: Plan | None = None
    shards: tuple[ShardView, ...] = ()
    is_published: bool = False

    @cached_property
    def _of_stage(self) -> dict[Stage, tuple[ShardView, ...]]:
        of: dict[Stage, list[ShardView]] = {stage: [] for stage in Stage}
        for view in self.shards:
            of[view.shard.stage].append(view)
        return {stage: tuple(views) for stage, views in of.items()}

    def of(self, stage: Stage) -> tuple[ShardView, ...]:
        return self._of_stage[stage]

    @cached_property
    def stage(self) -> Stage | None:
        """The first stage that is not wholly committed; None after the last, and unplanned."""
        if self.plan is None:
            return None
        for stage, views in self._of_stage.items():
            if any(view.commit is None for view in views):
                return stage
        return None

    @cached_property
    def held(self) -> tuple[Held, ...]:
        """What is under work, in whatever stage."""
        return tuple(view.held for view in self.shards if view.held is not None)

    @cached_property
    def condemned(self) -> tuple[ShardView, ...]:
        """The shards that will not be tried again."""
        return tuple(view for view in self.shards if view.is_condemned)

    @cached_property
    def startable(self) -> tuple[ShardView, ...]:
        """The shards that have all they need, the longest first; some may have to pause still."""
        views = self.of(self.stage) if self.stage else ()
        ready = [view for view in views if view.is_waiting and not view.is_condemned]
        if self.spec.is_exact:
            ready = [
                view
                for view in ready
                if all(before.commit for before in self.predecessor(view.shard))
            ]
        return tuple(sorted(ready, key=lambda view: (-len(view.shard.frames), view.shard.index)))

    @cached_property
    def progress(self) -> Progress:
        """How far the job is, counted once: of thousands of jobs, few change between two looks."""
        views = self.of(self.stage) if self.stage else ()
        commits = [view.commit for view in self.shards if view.commit is not None]
        return Progress(
            shards_done=len([view for view in views if view.commit is not None]),
            shards_total=len(views),
            frames_done=sum([view.frames_done for view in views]),
            frames_total=sum([len(view.shard.frames) for view in views]),
            shards_reused=len([commit for commit in commits if commit.made_by is not None]),
        )

    @cached_property
    def wanted(self) -> tuple[Stage, ...]:
        """The stage of each of its shards that is under work or could be."""
        held = tuple(held.lease.shard.stage for held in self.held)
        if self.state.is_final or self.state is JobState.PAUSED:
            return held
        if self.plan is None:
            return (*held, Stage.POSE)
        return (*held, *(view.shard.stage for view in self.startable))

    def ready(self, now_s: float) -> list[ShardView]:
        """The shards that may be started now, the longest first."""
        return [view for view in self.startable if is_due(view.failures, now_s)]

    def predecessor(self, shard: Shard) -> tuple[ShardView, ...]:
        """The shard whose boundary state this one goes on from: in exact mode only."""
        is_chained = shard.stage is Stage.RENDER and self.spec.is_exact
        if not is_chained or shard.index == 0 or self._begins_at_cut(shard):
            return ()
        return (self.of(Stage.RENDER)[shard.index - 1],)

    def _begins_at_cut(self, shard: Shard) -> bool:
        return self.plan is not None and shard.frames.start in self.plan.cuts

    def inputs_of(self, shard: Shard) -> tuple[Commit, ...]:
        """The commits that `shard` is made from, as far as they are there, in frame order.

        A render shard's are the solve and, in exact mode, its predecessor; the assembly's are the
        solve, for what has to be mended, and every render shard.
        """
        match shard.stage:
            case Stage.POSE:
                views: tuple[ShardView, ...] = ()
            case Stage.SOLVE:
                views = self.of(Stage.POSE)
            case Stage.RENDER:
                views = self.of(Stage.SOLVE) + self.predecessor(shard)
            case Stage.ASSEMBLE:
                views = self.of(Stage.SOLVE) + self.of(Stage.RENDER)
        return tuple(view.commit for view in views if view.commit is not None)


@dataclass(frozen=True, kw_only=True)
class WorkerView:
    """What is known of one worker: the digest of the subject it has loaded, what it may do."""

    name: str
    is_idle: bool = True
    subject: str | None = None
    stages: frozenset[Stage] = frozenset(Stage)
    benched_until_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ProjectShare:
    """A project's part of the farm: `weight` against the others', at most `most_workers`."""

    weight: float = 1.0
    most_workers: int | None = None

    def __post_init__(self) -> None:
        if self.weight <= 0:
            raise UsageError(f"a project's weight is {self.weight}; give more than 0")


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The farm at one instant. Projects that `shares` does not name have a weight of 1."""

    now_s: float
    jobs: tuple[JobView, ...]
    workers: tuple[WorkerView, ...]
    shares: dict[str, ProjectShare]
    nodes: tuple[Node, ...] = ()
    leaving_nodes: tuple[str, ...] = ()

    @cached_property
    def running(self) -> Counter[str]:
        """How many workers are at work for each project."""
        return Counter(job.spec.project for job in self.jobs for _ in job.held)


def waiting_shards(jobs: Iterable[JobView]) -> Counter[Stage]:
    """How many shards of each stage are under work or could be, if there were workers."""
    return Counter(stage for job in jobs for stage in job.wanted)
