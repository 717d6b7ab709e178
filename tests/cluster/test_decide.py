from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from specs import make_spec

from bodyswap.config import Mode
from bodyswap.timing import FrameRange
from cluster.commit import Commit
from cluster.decide import (
    Action,
    Enter,
    Fail,
    JobView,
    MakePlan,
    Publish,
    ShardView,
    Snapshot,
    Start,
    decide,
)
from cluster.failures import Cause, Failure
from cluster.job import JobState, Stage
from cluster.lease import Lease
from cluster.plan import Shard, make_plan

Change = Callable[[ShardView], ShardView]
FRAMES = FrameRange(start=0, stop=240)


def _job(mode: Mode = Mode.FAST, shards: int = 3) -> JobView:
    spec = make_spec(frames=FRAMES, shards=shards, mode=mode)
    plan = make_plan(spec, workers=1)
    views = tuple(ShardView(shard=shard) for shard in plan.all_shards)
    return JobView(spec=spec, state=JobState.PLANNED, plan=plan, shards=views)


def _changed(job: JobView, stage: Stage, change: Change, *indices: int) -> JobView:
    wanted = [
        view.shard
        for view in job.of(stage)
        if not indices or view.shard.index in indices
    ]  # fmt: skip
    shards = tuple(change(view) if view.shard in wanted else view for view in job.shards)
    return replace(job, shards=shards)


def _committed(view: ShardView) -> ShardView:
    lease = Lease(job="j", shard=view.shard, epoch=1, worker="w")
    return replace(view, running_on=None, commit=Commit(lease=lease, files=(), frame_count=1))


def _running(view: ShardView) -> ShardView:
    return replace(view, running_on="busy")


def _failing(*failures: tuple[Cause, str]) -> Change:
    values = tuple(
        Failure(cause=cause, message="m", exit_code=8, worker=worker, at_s=float(number))
        for number, (cause, worker) in enumerate(failures)
    )
    return lambda view: replace(view, failures=values)


def _decided(
    *jobs: JobView, idle: tuple[str, ...] = ("a", "b"), now_s: float = 1e6
) -> list[Action]:
    return decide(Snapshot(now_s=now_s, jobs=jobs, idle_workers=idle))


def _starts(actions: list[Action]) -> list[tuple[Stage, int, str]]:
    return [
        (action.shard.stage, action.shard.index, action.worker)
        for action in actions
        if isinstance(action, Start)
    ]


def _up_to(stage: Stage, job: JobView) -> JobView:
    """The job with every stage before `stage` committed."""
    for before in list(Stage)[: list(Stage).index(stage)]:
        job = _changed(job, before, _committed)
    return job


def test_a_job_without_plan_is_planned_first() -> None:
    job = replace(_job(), plan=None, shards=(), state=JobState.SUBMITTED)
    assert _decided(job) == [MakePlan(job=job.spec.job)]


def test_idle_workers_get_pose_shards_longest_first_and_no_more_than_there_are() -> None:
    actions = _decided(_job())
    assert actions[0] == Enter(job=_job().spec.job, state=JobState.POSING)
    # 240 frames in 3, cut at multiples of 24: the middle shard has 96, the others 72.
    assert _starts(actions) == [(Stage.POSE, 1, "a"), (Stage.POSE, 0, "b")]


def test_solving_waits_for_every_pose_shard_and_gets_them_all_in_order() -> None:
    job = _changed(_job(), Stage.POSE, _committed, 0, 2)
    assert [stage for stage, _, _ in _starts(_decided(job))] == [Stage.POSE]
    job = _up_to(Stage.SOLVE, _job())
    (start,) = [action for action in _decided(job) if isinstance(action, Start)]
    assert start.shard.stage is Stage.SOLVE
    assert [commit.lease.shard.index for commit in start.inputs] == [0, 1, 2]


def test_fast_mode_renders_all_shards_at_once_from_the_solve_alone() -> None:
    actions = _decided(_up_to(Stage.RENDER, _job()), idle=("a", "b", "c", "d"))
    starts = [action for action in actions if isinstance(action, Start)]
    assert {start.shard.index for start in starts} == {0, 1, 2}
    for start in starts:
        assert [commit.lease.shard.stage for commit in start.inputs] == [Stage.SOLVE]


def test_exact_mode_renders_in_sequence_each_from_its_predecessor() -> None:
    job = _up_to(Stage.RENDER, _job(Mode.EXACT))
    assert [index for _, index, _ in _starts(_decided(job))] == [0]
    job = _changed(job, Stage.RENDER, _committed, 0)
    (start,) = [action for action in _decided(job) if isinstance(action, Start)]
    assert start.shard.index == 1
    shards = [(commit.lease.shard.stage, commit.lease.shard.index) for commit in start.inputs]
    assert shards == [(Stage.SOLVE, 0), (Stage.RENDER, 0)]


def test_exact_mode_poses_in_parallel() -> None:
    assert len(_starts(_decided(_job(Mode.EXACT)))) == 2


def test_after_the_last_stage_it_is_published_and_then_said_to_be() -> None:
    job = _changed(_up_to(Stage.ASSEMBLE, _job()), Stage.ASSEMBLE, _committed)
    assert _decided(job) == [Publish(job=job.spec.job)]
    published = replace(job, is_published=True)
    assert _decided(published) == [Enter(job=job.spec.job, state=JobState.PUBLISHED)]


def test_running_and_committed_shards_are_left_alone() -> None:
    job = _changed(_job(), Stage.POSE, _running)
    assert _starts(_decided(job)) == []


def test_a_failed_shard_goes_to_another_worker_after_its_pause() -> None:
    job = _changed(_job(shards=1), Stage.POSE, _failing((Cause.DEATH, "a")))
    assert _starts(_decided(job, now_s=0.01)) == []
    assert _starts(_decided(job, now_s=9.0)) == [(Stage.POSE, 0, "b")]
    assert _starts(_decided(job, now_s=9.0, idle=("a",))) == [(Stage.POSE, 0, "a")]


@pytest.mark.parametrize("cause", [Cause.INPUT, Cause.MODEL])
def test_input_that_cannot_be_used_stops_the_job_at_once(cause: Cause) -> None:
    job = _changed(_job(), Stage.POSE, _failing((cause, "a")), 1)
    (fail,) = _decided(job)
    assert isinstance(fail, Fail) and fail.shard.index == 1 and fail.failure.cause is cause


def test_three_deaths_of_one_shard_stop_the_job_but_two_do_not() -> None:
    deaths = [(Cause.DEATH, "a"), (Cause.DEATH, "b"), (Cause.DEATH, "c")]
    job = _changed(_job(), Stage.POSE, _failing(*deaths), 1)
    assert [type(action) for action in _decided(job)] == [Fail]
    job = _changed(_job(), Stage.POSE, _failing(*deaths[:2]), 1)
    assert Fail not in [type(action) for action in _decided(job)]


def test_a_last_attempt_that_is_still_running_is_not_given_up() -> None:
    job = _changed(_job(), Stage.POSE, _failing((Cause.INPUT, "a")), 1)
    job = _changed(job, Stage.POSE, _running, 1)
    assert Fail not in [type(action) for action in _decided(job)]


def test_final_jobs_are_left_alone_and_earlier_jobs_are_served_first() -> None:
    done = replace(_job(), state=JobState.PUBLISHED)
    failed = replace(_job(), state=JobState.FAILED)
    first, second = _job(shards=1), _job(shards=2)
    starts = [
        action.job for action in _decided(done, failed, first, second) if isinstance(action, Start)
    ]
    assert starts == [first.spec.job, second.spec.job]


class _Farm:
    """Does what `decide` says, and ends orders as it is told."""

    def __init__(self, mode: Mode, shards: int, workers: int) -> None:
        self._planned = _job(mode, shards)
        self.job = replace(self._planned, plan=None, shards=(), state=JobState.SUBMITTED)
        self._workers = tuple("abcd"[:workers])
        self.running: dict[str, Shard] = {}
        self.commits: list[Shard] = []

    def step(self, now_s: float) -> None:
        idle = tuple(name for name in self._workers if name not in self.running)
        for action in _decided(self.job, idle=idle, now_s=now_s):
            self._do(action)

    def commit(self, worker: str) -> None:
        shard = self.running.pop(worker)
        self.commits.append(shard)
        self.job = _changed(self.job, shard.stage, _committed, shard.index)

    def die(self, worker: str) -> None:
        shard = self.running.pop(worker)
        died = _failing((Cause.DEATH, worker))
        self.job = _changed(
            self.job, shard.stage, lambda view: replace(died(view), running_on=None), shard.index
        )

    def _do(self, action: Action) -> None:
        match action:
            case MakePlan():
                self.job = replace(self.job, plan=self._planned.plan, shards=self._planned.shards)
            case Enter():
                assert self.job.state.may_become(action.state)
                self.job = replace(self.job, state=action.state)
            case Start():
                assert action.worker not in self.running
                assert action.shard not in (*self.running.values(), *self.commits)
                self.running[action.worker] = action.shard
                self.job = _changed(self.job, action.shard.stage, _running, action.shard.index)
            case Publish():
                self.job = replace(self.job, is_published=True)
            case Fail():
                raise AssertionError("two deaths of a shard do not fail a job")


@settings(max_examples=60, deadline=None)
@given(
    shards=st.integers(1, 6),
    workers=st.integers(1, 4),
    mode=st.sampled_from(Mode),
    data=st.data(),
)
def test_any_order_of_commits_and_deaths_ends_with_every_shard_committed_once(
    shards: int, workers: int, mode: Mode, data: st.DataObject
) -> None:
    farm = _Farm(mode, shards, workers)
    deaths = 0
    for step in range(60):
        farm.step(now_s=1e3 * (step + 1))
        if not farm.running:
            continue
        worker = data.draw(st.sampled_from(sorted(farm.running)))
        if deaths < 2 and data.draw(st.booleans()):
            deaths += 1
            farm.die(worker)
        else:
            farm.commit(worker)
    assert farm.job.state is JobState.PUBLISHED
    assert sorted(farm.commits) == sorted(view.shard for view in farm.job.shards)
