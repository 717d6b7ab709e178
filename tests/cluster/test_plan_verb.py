"""`plan` before and after a real job: nothing is written, and times are measured ones."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from command_line import run_command
from tiny_farm import TinyFarm, make_farm
from tiny_pipeline import Trouble, write_plate

from bodyswap.stage.cast import REX
from bodyswap.stage.mocap import load_motion
from cluster.cli.demo import write_film
from cluster.jobs.estimate import Estimate
from cluster.jobs.job import JobState, Stage
from cluster.jobs.rates import Likeness
from cluster.telling.farm_seen import FarmSeen, WorkerSeen, tell_farm
from cluster.telling.plan_words import plan_lines, tell_plan

FRAME_S = 0.01


@pytest.fixture
def farm(tmp_path: Path) -> TinyFarm:
    return make_farm(tmp_path)


def _render_s(estimate: Estimate) -> float:
    work = estimate.stages[2].work
    assert work is not None
    return work.expected_s


def test_a_dry_run_in_an_empty_store_tells_shards_and_no_time_and_writes_nothing(
    farm: TinyFarm,
) -> None:
    estimate = farm.client.plan(farm.request(), workers=2)
    assert estimate.state is None and estimate.work is None
    assert [(stage.stage, stage.shards) for stage in estimate.stages] == [
        (Stage.POSE, 2), (Stage.SOLVE, 1), (Stage.RENDER, 4), (Stage.ASSEMBLE, 1),
    ]  # fmt: skip
    assert farm.store.list_keys("") == []


def test_rates_are_measured_by_the_jobs_that_were_rendered(farm: TinyFarm) -> None:
    request = farm.request(trouble=Trouble(frame_s=FRAME_S))
    farm.run_inline(farm.client.submit(request))
    again = replace(request, plate=write_plate(farm.folder / "longer.txt", 80), shards=4)
    before = farm.store.list_keys("")
    estimate = farm.client.plan(again, workers=1)
    rate = estimate.stages[2].rate
    assert rate is not None and rate.likeness is Likeness.SAME_SUBJECT and rate.shards == 4
    # Every frame sleeps; what else is done on a busy machine may take as long again and more.
    assert 80 * FRAME_S <= _render_s(estimate) <= 80 * FRAME_S * 20
    assert farm.store.list_keys("") == before


def test_a_job_in_the_store_is_planned_as_it_stands(farm: TinyFarm) -> None:
    request = farm.request(trouble=Trouble(kind="bad plate", at=25))
    job = farm.client.submit(request)
    farm.run_inline(job)
    estimate = farm.client.plan(request)
    assert (estimate.job, estimate.state) == (job, JobState.FAILED)
    assert [stage.shards_done for stage in estimate.stages] == [2, 1, 2, 0]
    assert estimate.stages[2].rate is not None
    assert estimate.stages[2].rate.likeness is Likeness.SAME_SHOT
    words = "\n".join(plan_lines(estimate))
    assert "failed: 40 frames, on 1 worker" in words and "4 (2 done)" in words
    assert "no job of this store has measured assemble yet" in words


def test_the_farms_own_workers_are_planned_with_where_there_is_a_farm(farm: TinyFarm) -> None:
    workers = tuple(WorkerSeen(name=f"w{n}") for n in range(3))
    tell_farm(farm.store, FarmSeen(controller="head", at_s=1000.0, workers=workers))
    request = farm.request()
    present = type(farm.client)(farm.store, inspector=farm.inspector, clock=lambda: 1010.0)
    assert (present.plan(request).workers, present.plan(request).is_farms) == (3, True)
    assert present.plan(request, workers=7).workers == 7
    assert farm.client.plan(request).workers == 1, "that farm has been gone for years"


def test_the_plan_for_programs_has_the_whole(
    farm: TinyFarm, capsys: pytest.CaptureFixture[str]
) -> None:
    farm.run_inline(farm.client.submit(farm.request()))
    tell_plan(farm.client.plan(farm.request(), workers=2), as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["state"] == "published" and told["work"]["expected_s"] == 0.0
    assert len(told["stages"]) == 4


def test_a_real_plate_and_subject_are_planned_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plate = tmp_path / "plate.mp4"
    write_film(REX, load_motion("walk").at_rate(Fraction(24)), plate, size=64)
    store = tmp_path / "store"
    code, said, _ = run_command(
        capsys, "plan", plate, "--subject", "vega", "--shards", "2", "--frames", "1001-1020",
        "--store", store,
    )  # fmt: skip
    assert code == 0
    assert "(plate), not in the store: 20 frames, on 1 worker" in said
    assert "in all: not known, for no job of this store has measured" in said
    assert not store.exists()
    code, _, err = run_command(capsys, "plan", tmp_path / "absent.mp4", "--subject", "vega")
    assert code == 3 and "absent.mp4' is not a file; give a video" in err
