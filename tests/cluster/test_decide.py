from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from specs import make_spec

from bodyswap.config import Mode
from bodyswap.timing import FrameRange
from cluster.farm.decide import (
    Action,
    Enter,
    GiveUp,
    MakePlan,
    Publish,
    Release,
    Start,
    Stop,
    decide,
)
from cluster.jobs.commit import Commit
from cluster.jobs.failures import Cause, Failure
from cluster.jobs.job import JobState, Stage
from cluster.jobs.lease import CONFIRM_WITHIN_S, Held, Lease
from cluster.jobs.plan import Shard, make_plan
from cluster.jobs.snapshot import JobView, ProjectShare, ShardView, Snapshot, WorkerView

Change = Callable[[ShardView], ShardView]
NOW_S = 1e6
FRAMES = FrameRange(start=0, stop=240)


def _job(mode: Mode = Mode.FAST, shards: int = 3) -> JobView:
    spec = make_spec(frames=FRAMES, shards=shards, mode=mode)
    plan = make_plan(spec, workers=1)
    views = tuple(ShardView(shard=shard) for shard in plan.all_shards)
    return JobView(spec=spec, state=JobState.PLANNED, priority=50, plan=plan, shards=views)


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
    return replace(view, held=None, commit=Commit(lease=lease, files=(), frame_count=1))


def _running_on(worker: str) -> Change:
    def change(view: ShardView) -> ShardView:
        lease = Lease(job="j", shard=view.shard, epoch=1, worker=worker)
        return replace(view, held=Held(lease=lease, advanced_at_s=NOW_S))

    return change


_running = _running_on("busy")


def _failing(*failures: tuple[Cause, str]) -> Change:
    values = tuple(
        Failure(cause=cause, message="m", exit_code=8, worker=worker, at_s=float(number))
        for number, (cause, worker) in enumerate(failures)
    )
    return lambda view: replace(view, failures=values)


def _decided(
    *jobs: JobView,
    idle: tuple[str, ...] = ("a", "b"),
    busy: tuple[str, ...] = ("busy",),
    now_s: float = NOW_S,
) -> list[Action]:
    workers = tuple(WorkerView(name=name, is_idle=name in idle) for name in (*idle, *busy))
    return decide(Snapshot(now_s=now_s, jobs=jobs, workers=workers, shares={}))


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
    verifying = Enter(job=job.spec.job, state=JobState.VERIFYING)
    assert _decided(job) == [verifying, Publish(job=job.spec.job)]
    job = replace(job, state=JobState.VERIFYING)
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
    assert _starts(_decided(job, now_s=9.0, idle=("a",))) == [], "another will be idle soon"
    alone = _decided(job, now_s=9.0, idle=("a",), busy=())
    assert _starts(alone) == [(Stage.POSE, 0, "a")]


@pytest.mark.parametrize("cause", [Cause.INPUT, Cause.MODEL])
def test_input_that_cannot_be_used_stops_the_job_at_once(cause: Cause) -> None:
    job = _changed(_job(), Stage.POSE, _failing((cause, "a")), 1)
    (fail,) = _decided(job)
    assert isinstance(fail, GiveUp) and fail.shard.index == 1 and fail.failure.cause is cause


DEATHS = [(Cause.DEATH, "a"), (Cause.DEATH, "b"), (Cause.DEATH, "c")]


def test_a_poison_shard_ends_the_job_only_after_the_rest_is_done() -> None:
    job = _changed(_job(), Stage.POSE, _failing(*DEATHS), 1)
    assert [index for _, index, _ in _starts(_decided(job))] == [0, 2]
    job = _changed(job, Stage.POSE, _committed, 0)
    running = _changed(job, Stage.POSE, _running, 2)
    assert GiveUp not in [type(action) for action in _decided(running)]
    (end,) = _decided(_changed(job, Stage.POSE, _committed, 2))
    assert isinstance(end, GiveUp)
    assert (end.state, end.shard.index, end.failure.worker) == (JobState.QUARANTINED, 1, "c")


def test_in_exact_mode_what_comes_after_a_poison_shard_is_given_up_with_it() -> None:
    job = _up_to(Stage.RENDER, _job(Mode.EXACT))
    job = _changed(_changed(job, Stage.RENDER, _committed, 0), Stage.RENDER, _failing(*DEATHS), 1)
    assert [type(action) for action in _decided(job) if not isinstance(action, Enter)] == [GiveUp]


def test_two_deaths_of_a_shard_end_nothing() -> None:
    job = _changed(_job(), Stage.POSE, _failing(*DEATHS[:2]), 1)
    assert 1 in [index for _, index, _ in _starts(_decided(job, idle=("a", "b", "c")))]


def _after_memory_ran_out(times: int) -> JobView:
    return _changed(_job(shards=1), Stage.POSE, _failing(*[(Cause.MEMORY, "a")] * times))


def test_after_memory_ran_out_the_next_attempt_has_smaller_batches() -> None:
    for times in (0, 1, 2):
        decided = _decided(_after_memory_ran_out(times))
        (start,) = [action for action in decided if isinstance(action, Start)]
        assert start.batch_divisor == 2**times


def _stalled(view: ShardView) -> ShardView:
    view = _running(view)
    assert view.held is not None
    return replace(view, held=replace(view.held, frames_done=4, advanced_at_s=NOW_S - 1000))


def test_a_worker_whose_frames_stopped_is_ended_once_and_held_until_it_is_gone() -> None:
    job = _changed(_job(shards=1), Stage.POSE, _stalled)
    (lease,) = [held.lease for held in job.held]
    assert _decided(job) == [
        Stop(job="j", lease=lease),
        Enter(job=job.spec.job, state=JobState.POSING),
    ]
    asked = _changed(
        job,
        Stage.POSE,
        lambda view: replace(view, held=replace(_held(view), stop_asked_at_s=NOW_S)),
    )
    assert [action for action in _decided(asked) if not isinstance(action, Enter)] == []
    gone = _decided(asked, busy=())
    assert gone[0] == Release(job="j", lease=lease) and not _starts(gone)
    later = _decided(asked, now_s=NOW_S + CONFIRM_WITHIN_S + 1)
    assert later[0] == Release(job="j", lease=lease), "a worker out of reach holds for ever"


def _held(view: ShardView) -> Held:
    assert view.held is not None
    return view.held


def test_loading_models_before_the_first_frame_is_no_stall() -> None:
    job = _changed(_job(shards=1), Stage.POSE, _running)
    assert not [a for a in _decided(job, now_s=NOW_S + 1000) if isinstance(a, Stop)]
    assert [a for a in _decided(job, now_s=NOW_S + 2000) if isinstance(a, Stop)]


def test_the_workers_of_a_job_that_is_over_are_ended_and_a_paused_jobs_are_let_finish() -> None:
    job = _changed(_job(shards=2), Stage.POSE, _running, 0)
    (lease,) = [held.lease for held in job.held]
    for over in (JobState.CANCELLED, JobState.FAILED):
        assert _decided(replace(job, state=over)) == [Stop(job="j", lease=lease)]
    assert _decided(replace(job, state=JobState.PAUSED)) == []


def _of_project(project: str, *, plate: str, priority: int = 50) -> JobView:
    job = _job(shards=6)
    spec = replace(job.spec, project=project, plate=replace(job.spec.plate, sha256=plate * 64))
    return replace(job, spec=spec, priority=priority)


def _matched(
    *jobs: JobView, workers: Sequence[WorkerView], shares: dict[str, ProjectShare] | None = None
) -> list[tuple[str, str]]:
    snapshot = Snapshot(now_s=NOW_S, jobs=jobs, workers=tuple(workers), shares=shares or {})
    project = {job.spec.job: job.spec.project for job in jobs}
    actions = [action for action in decide(snapshot) if isinstance(action, Start)]
    return [(project[action.job], action.worker) for action in actions]


def _crew(names: str, **facts: float) -> list[WorkerView]:
    return [WorkerView(name=name, benched_until_s=facts.get(name, 0.0)) for name in names]


def test_projects_share_the_workers_whatever_their_jobs_priorities() -> None:
    rich = [_of_project("rich", plate=plate, priority=99) for plate in "ab"]
    poor = _of_project("poor", plate="c", priority=1)
    projects = [name for name, _ in _matched(*rich, poor, workers=_crew("abcd"))]
    assert sorted(projects) == ["poor", "poor", "rich", "rich"]


def test_a_weight_of_three_gets_three_of_four_workers() -> None:
    jobs = [_of_project("rich", plate="a"), _of_project("poor", plate="b")]
    shares = {"rich": ProjectShare(weight=3.0)}
    projects = [name for name, _ in _matched(*jobs, workers=_crew("abcd"), shares=shares)]
    assert projects.count("rich") == 3


def test_a_project_never_has_more_workers_than_its_quota() -> None:
    shares = {"rich": ProjectShare(most_workers=2)}
    running = _changed(_of_project("rich", plate="a"), Stage.POSE, _running, 0)
    matched = _matched(running, workers=[*_crew("abcd"), BUSY], shares=shares)
    assert [name for name, _ in matched] == ["rich"]


BUSY = WorkerView(name="busy", is_idle=False)


def test_within_a_project_the_higher_priority_goes_first_then_the_older_job() -> None:
    old, new, urgent = (_of_project("p", plate=plate) for plate in "abc")
    new = replace(new, spec=replace(new.spec, submitted_at="20270101T000000.000000Z"))
    urgent = replace(urgent, priority=51)
    order = [
        action.job
        for action in _decided(new, old, urgent, idle=tuple("abcdefghijklmnopqr"))
        if isinstance(action, Start)
    ]
    assert list(dict.fromkeys(order)) == [urgent.spec.job, old.spec.job, new.spec.job]


def test_a_worker_with_the_subject_loaded_is_taken_before_one_that_has_none() -> None:
    job = _job(shards=1)
    warm = WorkerView(name="warm", subject=job.spec.subject.digest)
    others = [WorkerView(name="other", subject="x"), WorkerView(name="empty")]
    assert _matched(job, workers=[*others, warm])[0][1] == "warm"
    assert _matched(job, workers=others)[0][1] == "empty"


def test_a_benched_worker_gets_nothing_unless_all_are_benched() -> None:
    job = _job(shards=6)
    assert {worker for _, worker in _matched(job, workers=_crew("ab", a=NOW_S + 1))} == {"b"}
    both = _crew("ab", a=NOW_S + 1, b=NOW_S + 1)
    assert {worker for _, worker in _matched(job, workers=both)} == {"a", "b"}


def test_a_last_attempt_that_is_still_running_is_not_given_up() -> None:
    job = _changed(_job(), Stage.POSE, _failing((Cause.INPUT, "a")), 1)
    job = _changed(job, Stage.POSE, _running, 1)
    assert GiveUp not in [type(action) for action in _decided(job)]


def test_final_jobs_are_left_alone_and_earlier_jobs_are_served_first() -> None:
    done = replace(_job(), state=JobState.PUBLISHED)
    failed = replace(_job(), state=JobState.FAILED)
    first, second = (
        replace(job, spec=replace(job.spec, submitted_at=at))
        for job, at in ((_job(shards=1), "earlier"), (_job(shards=2), "later"))
    )
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
        busy = tuple(self.running)
        for action in _decided(self.job, idle=idle, busy=busy, now_s=now_s):
            self._do(action)

    def commit(self, worker: str) -> None:
        shard = self.running.pop(worker)
        self.commits.append(shard)
        self.job = _changed(self.job, shard.stage, _committed, shard.index)

    def die(self, worker: str) -> None:
        shard = self.running.pop(worker)
        died = _failing((Cause.DEATH, worker))
        self.job = _changed(
            self.job, shard.stage, lambda view: replace(died(view), held=None), shard.index
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
                run = _running_on(action.worker)
                self.job = _changed(self.job, action.shard.stage, run, action.shard.index)
            case Publish():
                self.job = replace(self.job, is_published=True)
            case GiveUp():
                raise AssertionError("two deaths of a shard do not fail a job")
            case Stop() | Release():
                raise AssertionError("nobody stalls here")


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
