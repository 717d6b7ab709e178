"""What a job would come to: its shards, and how long they take at rates that were measured.

Pure: it does not know stores. Times are of workers that are free for this job alone.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from bodyswap.config import Mode
from cluster.jobs.job import JobSpec, JobState, Stage
from cluster.jobs.plan import Plan, Shard
from cluster.jobs.rates import Measured, Rate, rate_of


@dataclass(frozen=True, kw_only=True)
class Span:
    """Seconds: what is expected, and what it is at the fastest and the slowest rate measured."""

    expected_s: float
    least_s: float
    most_s: float

    def __add__(self, other: "Span") -> "Span":
        return Span(
            expected_s=self.expected_s + other.expected_s,
            least_s=self.least_s + other.least_s,
            most_s=self.most_s + other.most_s,
        )


NO_TIME = Span(expected_s=0.0, least_s=0.0, most_s=0.0)


@dataclass(frozen=True, kw_only=True)
class StageEstimate:
    """One stage. `work` is worker time, `wall` what passes; None where no rate was measured.

    `shards_done` are committed, by this job or by another that it may take them from; of these
    `shards_reused` are another's.
    """

    stage: Stage
    shards: int
    shards_done: int
    frames_left: int
    longest_shard_frames: int
    rate: Rate | None
    work: Span | None
    wall: Span | None
    shards_reused: int = 0


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A job that is, or would be. `state` is None where it is not in the store.

    `is_farms` tells that `workers` is what the farm has now, `assumed` what nobody said and was
    taken for granted.
    """

    job: str
    name: str
    frames: int
    state: JobState | None
    workers: int
    is_farms: bool
    stages: tuple[StageEstimate, ...]
    assumed: tuple[str, ...] = ()

    @property
    def work(self) -> Span | None:
        """Of all stages; None where one was never measured."""
        return _in_all([stage.work for stage in self.stages])

    @property
    def wall(self) -> Span | None:
        return _in_all([stage.wall for stage in self.stages])

    @property
    def unmeasured(self) -> tuple[Stage, ...]:
        return tuple(stage.stage for stage in self.stages if stage.work is None)


def estimate_stages(
    spec: JobSpec,
    plan: Plan,
    committed: frozenset[Shard],
    measured: Sequence[Measured],
    workers: int,
) -> tuple[StageEstimate, ...]:
    """Every stage that the job has, without what is committed already."""
    is_exact = spec.render_settings.mode is Mode.EXACT
    return tuple(
        _estimate(
            plan.shards(stage),
            committed,
            rate_of(stage, measured),
            # In exact mode each render shard goes on from the one before.
            1 if is_exact and stage is Stage.RENDER else workers,
        )
        for stage in Stage
        if plan.shards(stage)
    )


def makespan(lengths: Sequence[float], workers: int) -> float:
    """When the last of `workers` is done if each takes the longest that is left when it is free."""
    free_at = [0.0] * workers
    for length in sorted(lengths, reverse=True):
        heapq.heapreplace(free_at, free_at[0] + length)
    return max(free_at)


def _estimate(
    shards: tuple[Shard, ...], committed: frozenset[Shard], rate: Rate | None, workers: int
) -> StageEstimate:
    left = [len(shard.frames) for shard in shards if shard not in committed]
    work = wall = NO_TIME if not left else None
    if left and rate is not None:
        work, wall = _span(sum(left), rate), _span(makespan(left, workers), rate)
    return StageEstimate(
        stage=shards[0].stage,
        shards=len(shards),
        shards_done=len(shards) - len(left),
        frames_left=sum(left),
        longest_shard_frames=max(left, default=0),
        rate=rate,
        work=work,
        wall=wall,
    )


def _span(frames: float, rate: Rate) -> Span:
    return Span(
        expected_s=frames / rate.frames_per_s,
        least_s=frames / rate.fastest,
        most_s=frames / rate.slowest,
    )


def _in_all(spans: Sequence[Span | None]) -> Span | None:
    whole = NO_TIME
    for span in spans:
        if span is None:
            return None
        whole += span
    return whole
