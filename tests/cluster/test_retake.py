"""`retry` of committed shards: they are rendered once more, with all that follows from them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import run_command
from tiny_farm import TinyFarm, make_farm
from tiny_pipeline import Trouble

from bodyswap.config import Mode
from bodyswap.timing import FrameRange
from cluster.jobs.failures import Cause, Verdict, death
from cluster.jobs.job import JobState, Stage
from cluster.jobs.journal import Entry, Journal
from cluster.jobs.observe import observe_job, read_spec
from cluster.jobs.plan import Plan, Shard
from cluster.stores.asker import Asker


@pytest.fixture
def farm(tmp_path: Path) -> TinyFarm:
    return make_farm(tmp_path)


def _failed_at_the_end(farm: TinyFarm, mode: Mode) -> str:
    """A job that failed at its last shard, with three of four rendered."""
    trouble = Trouble(kind="bug", at=90, log=str(farm.folder / "log"))
    request = farm.request(frame_count=96, shards=4, mode=mode, trouble=trouble)
    job = farm.client.submit(request)
    assert farm.run_inline(job).state is JobState.FAILED
    assert _rendered(farm) == [0, 24, 48]
    return job


def _rendered(farm: TinyFarm) -> list[int]:
    lines = (farm.folder / "log").read_text().splitlines()
    (farm.folder / "log").write_text("")
    return sorted(json.loads(line)[1] for line in lines)


@pytest.mark.parametrize(
    ("mode", "asked", "rendered"),
    [
        (Mode.FAST, ("--shards", "0,2"), [0, 48]),
        (Mode.FAST, ("--frames", "1030-1050"), [24, 48]),
        (Mode.EXACT, ("--shard", "render-1"), [24, 48]),
        (Mode.FAST, ("--failed",), []),
    ],
)
def test_the_shards_named_are_rendered_again(
    farm: TinyFarm,
    capsys: pytest.CaptureFixture[str],
    mode: Mode,
    asked: tuple[str, ...],
    rendered: list[int],
) -> None:
    job = _failed_at_the_end(farm, mode)
    code, _, err = run_command(capsys, "retry", job, *asked, "--store", farm.store.url)
    assert (code, err) == (0, "")
    farm.run_inline(job)
    assert _rendered(farm) == rendered
    # Whoever looks anew finds the same takes, and none to do once more.
    farm.run_inline(job)
    assert _rendered(farm) == []
    seen = farm.client.look(job)
    takes = [each.shard.frames.start for each in seen.of(Stage.RENDER) if each.shard.take]
    # What follows is another take too, committed or not: an attempt nobody hears may be at it.
    follows = [72] if mode is Mode.EXACT else []
    assert takes == rendered + follows
    assert seen.of(Stage.ASSEMBLE)[0].shard.take == bool(rendered)


def test_what_an_older_take_came_to_does_not_count_against_the_newer_one(
    farm: TinyFarm, capsys: pytest.CaptureFixture[str]
) -> None:
    job = _failed_at_the_end(farm, Mode.FAST)
    asked = ("--shard", "render-1", "--store", farm.store.url)
    assert run_command(capsys, "retry", job, *asked)[0] == 0
    spec = read_spec(farm.store, job)
    assert spec is not None
    journal = Journal(farm.store, job)
    again = Entry(
        state=JobState.RENDERING,
        at_s=1.0,
        by="kim",
        retried=("render-1",),
        again=("render-1", "assemble-0"),
    )
    assert journal.append_at(len(journal.read()), again)
    # One that nobody heard was still at the old take, and its end is told late.
    old = Shard(stage=Stage.RENDER, index=1, frames=FrameRange(start=24, stop=48))
    new = replace(old, take=1)
    for shard, worker in ((old, "a"), (new, "b"), (new, "c")):
        failure = death(worker=worker, at_s=2.0, evidence="", cause=Cause.DEATH)
        entry = Entry(
            state=JobState.RENDERING, at_s=2.0, by="c", shard=shard, failure=failure, why=worker
        )
        assert journal.append_at(len(journal.read()), entry)
    view = observe_job(farm.store, job, Asker()).view
    (found,) = [each for each in view.of(Stage.RENDER) if each.shard.index == 1]
    assert [failure.worker for failure in found.failures] == ["b", "c"]
    assert found.verdict is not Verdict.QUARANTINE
    (seen,) = [each for each in farm.client.look(job).of(Stage.RENDER) if each.shard.index == 1]
    assert [failure.worker for failure in seen.failures] == ["b", "c"]


def test_bad_wishes_are_refused(farm: TinyFarm, capsys: pytest.CaptureFixture[str]) -> None:
    job = _failed_at_the_end(farm, Mode.FAST)
    for asked, told in (
        (("--shards", "two"), "are no numbers"),
        (("--shards", "7"), "'render-7' is no shard"),
        (("--shard", "pose-0"), "would come out the same"),
        (("--shards", "1", "--failed"), "give one of them"),
        (("--frames", "3000-3001"), "3000"),
    ):
        code, _, err = run_command(capsys, "retry", job, *asked, "--store", farm.store.url)
        assert code and told in err


def test_what_follows_from_a_shard_ends_at_a_cut() -> None:
    ranges = tuple(FrameRange(start=n, stop=n + 24) for n in range(0, 96, 24))
    whole = FrameRange(start=0, stop=96)
    plan = Plan(job="j", frames=whole, pose=ranges, render=ranges, content_hash="", cuts=(72,))
    assert plan.following(["render-1"], is_chained=True) == ("render-1", "render-2", "assemble-0")
    assert plan.following(["render-1"], is_chained=False) == ("render-1", "assemble-0")
    assert plan.following(["pose-1"], is_chained=True) == ()
    assert [s.take for s in plan.retaken(["render-1"]).shards(plan.all_shards[-2].stage)] == [
        0, 1, 0, 0,
    ]  # fmt: skip
