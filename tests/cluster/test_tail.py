"""The last shards are split so that no worker stands idle, and never where that would do harm."""

import heapq
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from specs import make_spec

from bodyswap.config import Mode, RenderSettings
from bodyswap.timing import FrameRange
from cluster.farm.decide import Divide, Start, decide
from cluster.farm.tail import WARMUPS_A_PIECE, divide_tail, least_piece
from cluster.jobs.commit import Commit
from cluster.jobs.failures import Cause, Failure
from cluster.jobs.job import JobState, Stage
from cluster.jobs.lease import Held, Lease
from cluster.jobs.plan import LEAST_SHARD_FRAMES, Plan, Shard, Split, cut, make_plan
from cluster.jobs.ranges import RangeSettings
from cluster.jobs.snapshot import JobView, ProjectShare, ShardView, Snapshot, WorkerView

NOW_S = 1e6
WARMUP = 10
LEAST = WARMUPS_A_PIECE * WARMUP


def _job(*lengths: int, mode: Mode = Mode.FAST, shards: int | None = None) -> JobView:
    """A job at its render stage, whose render shards are of these lengths."""
    bounds = [sum(lengths[:n]) for n in range(len(lengths) + 1)]
    render = tuple(FrameRange(start=start, stop=stop) for start, stop in pairwise(bounds))
    frames = FrameRange(start=0, stop=bounds[-1])
    spec = make_spec(frames=frames, shards=shards, settings=RenderSettings(mode=mode))
    plan = replace(make_plan(spec, workers=1, warmup_frames=WARMUP), render=render)
    done = (Stage.POSE, Stage.SOLVE)
    views = tuple(
        ShardView(shard=shard, commit=_commit(shard) if shard.stage in done else None)
        for shard in plan.all_shards
    )
    state = JobState.RENDERING
    return JobView(spec=spec, state=state, priority=50, plan=plan, shards=views)


def _commit(shard: Shard) -> Commit:
    lease = Lease(job="j", shard=shard, epoch=1, worker="w")
    return Commit(lease=lease, files=(), frame_count=1)


def _with(job: JobView, index: int, **changes: object) -> JobView:
    shards = tuple(
        replace(view, **changes)  # type: ignore[arg-type]
        if view.shard.stage is Stage.RENDER and view.shard.index == index
        else view
        for view in job.shards
    )
    return replace(job, shards=shards)


def _running(job: JobView, index: int, worker: str, frames_done: int = 0) -> JobView:
    (shard,) = [s for s in job.plan.shards(Stage.RENDER) if s.index == index] if job.plan else []
    lease = Lease(job=job.spec.job, shard=shard, epoch=1, worker=worker)
    held = Held(lease=lease, advanced_at_s=NOW_S, frames_done=frames_done)
    return _with(job, index, held=held)


def _farm(job: JobView, idle: int, shares: dict[str, ProjectShare] | None = None) -> Snapshot:
    busy = [held.lease.worker for held in job.held]
    names = [f"idle{n}" for n in range(idle)]
    workers = tuple(WorkerView(name=name, is_idle=name in names) for name in (*names, *busy))
    return Snapshot(now_s=NOW_S, jobs=(job,), workers=workers, shares=shares or {})


def _pieces(snapshot: Snapshot) -> list[int]:
    """The lengths of all that waits once it is split."""
    lengths = []
    divided = {each.view.shard: each.at for each in divide_tail(snapshot, snapshot.jobs)}
    for view in snapshot.jobs[0].ready(NOW_S):
        frames = view.shard.frames
        bounds = [frames.start, *divided.get(view.shard, ()), frames.stop]
        lengths += [stop - start for start, stop in pairwise(bounds)]
    return lengths


def test_a_shard_is_split_among_all_who_are_idle() -> None:
    assert _pieces(_farm(_job(480), idle=3)) == [160, 160, 160]
    assert _pieces(_farm(_job(480, 480), idle=4)) == [240, 240, 240, 240]


def test_it_is_split_once_more_where_workers_are_soon_free() -> None:
    job = _running(_job(480, 480), 1, "busy", frames_done=400)
    assert _pieces(_farm(job, idle=1)) == [240, 240]
    job = _running(_job(480, 480), 1, "busy", frames_done=0)
    assert _pieces(_farm(job, idle=1)) == [480]


def test_no_piece_is_shorter_than_several_warm_ups() -> None:
    assert _pieces(_farm(_job(480), idle=100)) == [LEAST] * (480 // LEAST)
    assert _pieces(_farm(_job(2 * LEAST - 1), idle=100)) == [2 * LEAST - 1]
    job = _job(100)
    quick = replace(job, plan=replace(job.plan, warmup_frames=1) if job.plan else None)
    assert min(_pieces(_farm(quick, idle=100))) >= LEAST_SHARD_FRAMES


def test_the_longest_warm_up_of_any_range_counts() -> None:
    job = _job(480)
    part = RangeSettings(frames=FrameRange(start=0, stop=9), settings=("warmup_frames=30",))
    ranged = replace(job, spec=replace(job.spec, ranges=(part,)))
    assert (least_piece(job), least_piece(ranged)) == (LEAST, WARMUPS_A_PIECE * 30)


def test_nothing_is_split_while_there_is_enough_for_all_or_nobody_is_free() -> None:
    assert _pieces(_farm(_job(480, 480, 480), idle=3)) == [480, 480, 480]
    job = _running(_job(480, 480), 1, "busy", frames_done=479)
    assert _pieces(_farm(job, idle=0)) == [480]


_FAILURE = Failure(cause=Cause.DEATH, message="m", exit_code=8, worker="other", at_s=0.0)


@pytest.mark.parametrize(
    "job",
    [
        _job(480, mode=Mode.EXACT),
        _job(480, shards=1),
        _with(_job(480), 0, failures=(_FAILURE,)),
        replace(_job(480), state=JobState.ASSEMBLING),
        replace(_job(480), plan=replace(_job(480).plan, warmup_frames=None)),  # type: ignore[type-var]
        _with(_job(480), 0, shard=replace(_job(480).of(Stage.RENDER)[0].shard, take=1)),
    ],
    ids=["exact", "as asked", "failed", "assembled from", "of unknown warm-up", "done again"],
)
def test_some_shards_are_never_split(job: JobView) -> None:
    assert _pieces(_farm(job, idle=4)) == [480]


def test_a_project_is_not_given_pieces_that_it_may_not_start() -> None:
    quota = {"default": ProjectShare(most_workers=2)}
    assert _pieces(_farm(_job(480), idle=8, shares=quota)) == [240, 240]
    job = _running(_job(480, 480), 1, "busy", frames_done=400)
    spent = {"default": ProjectShare(most_workers=1)}
    assert _pieces(_farm(job, idle=8, shares=spent)) == [480]


def test_a_shard_that_is_split_is_not_started_at_the_same_time() -> None:
    job = _job(480, 30)
    actions = decide(_farm(job, idle=4))
    assert [a.shard.index for a in actions if isinstance(a, Divide)] == [0]
    assert [a.shard.index for a in actions if isinstance(a, Start)] == [1]


def _done_after(waiting: Sequence[int], free: Sequence[int]) -> int:
    """When all is done if whoever is free first takes the longest that is left, warming up."""
    ends = list(free)
    heapq.heapify(ends)
    for length in sorted(waiting, reverse=True):
        heapq.heapreplace(ends, ends[0] + length + WARMUP)
    return max(ends)


@settings(deadline=None)
@given(
    waiting=st.lists(st.integers(1, 480), min_size=1, max_size=6),
    left=st.lists(st.integers(0, 480), max_size=6),
    idle=st.integers(1, 6),
)
def test_a_stage_is_never_done_later_for_a_split(
    waiting: list[int], left: list[int], idle: int
) -> None:
    job = _job(*waiting, *(480 for _ in left))
    for place, frames in enumerate(left):
        job = _running(job, len(waiting) + place, f"busy{place}", frames_done=480 - frames)
    pieces = _pieces(_farm(job, idle))
    free = [0] * idle + left
    assert sum(pieces) == sum(waiting)
    assert _done_after(pieces, free) <= _done_after(waiting, free)


def _plan(*splits: Split) -> Plan:
    spec = make_spec(frames=FrameRange(start=0, stop=96), shards=3)
    return make_plan(spec, workers=1).divided(splits)


def test_a_split_shard_is_replaced_in_its_place_by_shards_of_new_indices() -> None:
    plan = _plan(Split(index=1, at=(48,)), Split(index=4, at=(56,)))
    told = [(s.index, s.frames.start, s.frames.stop) for s in plan.shards(Stage.RENDER)]
    assert told == [(0, 0, 32), (3, 32, 48), (5, 48, 56), (6, 56, 64), (2, 64, 96)]
    assert [part.index for part in plan.parts_of("render-1")] == [3, 4]
    assert [part.index for part in plan.parts_of("render-4")] == [5, 6]
    assert plan.parts_of("render-0") == ()


def test_a_split_of_what_is_not_there_changes_nothing() -> None:
    whole = _plan().shards(Stage.RENDER)
    assert _plan(Split(index=9, at=(48,))).shards(Stage.RENDER) == whole
    assert _plan(Split(index=1, at=(1, 96))).shards(Stage.RENDER) == whole


def test_the_next_job_of_the_same_frames_begins_shards_where_they_were_split() -> None:
    frames = FrameRange(start=0, stop=96)
    spec = make_spec(frames=frames)
    before = cut(frames, 2)
    plan = make_plan(spec, workers=2, as_before=before, split_before=(60, 72))
    assert [part.start for part in plan.render] == [0, 48, 60, 72]
    assert plan.pose == make_plan(spec, workers=2, as_before=before).pose
    more = make_plan(spec, workers=4, as_before=before, split_before=(60,))
    assert [part.start for part in more.render] == [0, 24, 48, 72]
