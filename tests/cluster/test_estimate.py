"""What a job would come to: sums over measured rates, and no number where nothing was measured."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from specs import make_spec

from bodyswap.config import Mode
from bodyswap.timing import FrameRange
from cluster.jobs.estimate import NO_TIME, Estimate, estimate_stages, makespan
from cluster.jobs.job import JobSpec, Stage
from cluster.jobs.plan import make_plan
from cluster.jobs.rates import Likeness, Measured, rate_of
from cluster.telling.plan_words import plan_lines

SPEC = make_spec(frames=FrameRange(start=0, stop=120), shards=4)


def _measured(
    stage: Stage, frames: int, work_s: float, likeness: Likeness = Likeness.SAME_SUBJECT
) -> Measured:
    return Measured(job="j", likeness=likeness, stage=stage, frames=frames, work_s=work_s)


ALL = tuple(_measured(stage, 60, 30.0) for stage in Stage)


def _estimate(spec: JobSpec, measured: tuple[Measured, ...], workers: int) -> Estimate:
    plan = make_plan(spec, workers=workers)
    return Estimate(
        job=spec.job, name="SH010", frames=120, state=None, workers=workers, is_farms=False,
        stages=estimate_stages(spec, plan, frozenset(), measured, workers),
    )  # fmt: skip


def test_without_measurements_no_time_is_told_and_that_is_said() -> None:
    estimate = _estimate(SPEC, (), 2)
    assert estimate.work is None and estimate.wall is None
    words = "\n".join(plan_lines(estimate))
    assert "in all: not known, for no job of this store has measured" in words
    assert "render: never measured in this store" in words
    assert not re.search(r"\d (s|min|h|d|frames/s)\b", words)


def test_one_unmeasured_stage_leaves_the_whole_unknown_but_not_the_others() -> None:
    estimate = _estimate(SPEC, ALL[:2] + ALL[3:], 2)
    assert estimate.unmeasured == (Stage.RENDER,) and estimate.work is None
    assert estimate.stages[0].work is not None


def test_time_is_frames_over_the_rate_shared_by_the_workers() -> None:
    estimate = _estimate(SPEC, ALL, 2)
    render = next(stage for stage in estimate.stages if stage.stage is Stage.RENDER)
    assert render.work is not None and render.wall is not None
    assert (render.work.expected_s, render.wall.expected_s) == (60.0, 30.0)
    assert estimate.work is not None and estimate.work.expected_s == 4 * 60.0


def test_exact_mode_renders_one_shard_after_the_other() -> None:
    exact = make_spec(frames=FrameRange(start=0, stop=120), shards=4, mode=Mode.EXACT)
    render = _estimate(exact, ALL, 4).stages[2]
    assert render.wall is not None and render.wall.expected_s == 60.0


def test_what_is_committed_is_not_counted_again() -> None:
    plan = make_plan(SPEC, workers=1)
    done = frozenset({*plan.shards(Stage.POSE), *plan.shards(Stage.RENDER)[:3]})
    pose, _, render, _ = estimate_stages(SPEC, plan, done, ALL, 1)
    assert pose.work == NO_TIME and pose.frames_left == 0
    assert (render.shards_done, render.frames_left) == (3, 30)
    assert render.work is not None and render.work.expected_s == 15.0
    unmeasured = estimate_stages(SPEC, plan, done, (), 1)
    assert unmeasured[0].work == NO_TIME and unmeasured[2].work is None


def test_the_jobs_most_alike_are_believed_and_the_spread_is_theirs() -> None:
    rate = rate_of(
        Stage.RENDER,
        [
            _measured(Stage.RENDER, 10, 1.0, Likeness.OTHER),
            _measured(Stage.RENDER, 30, 10.0),
            _measured(Stage.RENDER, 30, 20.0),
            _measured(Stage.POSE, 30, 1.0, Likeness.SAME_SHOT),
        ],
    )
    assert rate is not None
    assert (rate.frames_per_s, rate.slowest, rate.fastest) == (2.0, 1.5, 3.0)
    assert (rate.shards, rate.likeness) == (2, Likeness.SAME_SUBJECT)


@given(
    st.lists(st.floats(min_value=0.1, max_value=100), min_size=1, max_size=40),
    st.integers(min_value=1, max_value=9),
)
def test_the_makespan_is_between_what_must_pass_and_what_longest_first_may_waste(
    lengths: list[float], workers: int
) -> None:
    least = max(max(lengths), sum(lengths) / workers)
    assert least <= makespan(lengths, workers) + 1e-6
    assert makespan(lengths, workers) <= sum(lengths) / workers + max(lengths) + 1e-6
    assert makespan(lengths, 1) == pytest.approx(sum(lengths))
