"""Jobs are charged for their workers' time, and paused where their budget is spent."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import run_command
from tiny_farm import TinyFarm, make_farm
from tiny_pipeline import Trouble

from bodyswap.errors import IntegrityError, UsageError
from cluster.delivering.accounts import read_account, read_costs, read_project_account
from cluster.farm.controller import Controller
from cluster.farm.decide import decide
from cluster.jobs.costs import FRAMES_A_MINUTE, Account, Costs
from cluster.jobs.job import JobState
from cluster.jobs.keys import COSTS
from cluster.metering.watch import Watch
from cluster.workers.inline import InlineRuntime

# A worker second costs 1.
RATES = "currency: EUR\nrates_per_hour: {cpu: 3600, gpu: 36000}\n"


@contextmanager
def _serving(farm: TinyFarm) -> Iterator[Callable[[str, JobState], None]]:
    """A farm that keeps accounts; what is handed out serves until a job is in a state."""
    watch = Watch(farm.store)
    crew = watch.runtime(InlineRuntime(farm.worker_config))
    controller = Controller(
        store=farm.store, runtime=crew, on_status=watch.hear,
        decide_next=watch.deciding(decide),
    )  # fmt: skip

    def serve_until(job: str, state: JobState) -> None:
        deadline_s = time.monotonic() + 60
        while (found := farm.client.status(job).state) is not state:
            is_over = found.is_final or time.monotonic() > deadline_s
            assert not is_over, farm.client.why(job).sentence
            controller.tend(0.02)

    try:
        yield serve_until
    finally:
        crew.close()


def test_a_job_that_has_spent_its_budget_is_paused_says_so_and_goes_on_with_a_larger_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    farm = make_farm(tmp_path)
    farm.store.put(COSTS, RATES.encode())
    request = farm.request(trouble=Trouble(frame_s=0.05))
    job = farm.client.submit(replace(request, budget=0.15))
    store = ["--store", farm.store.url]
    with _serving(farm) as serve_until:
        serve_until(job, JobState.PAUSED)
        _, said, _ = run_command(capsys, "why", job, *store)
        assert "waits for a `resume`: it was paused" in said
        assert "by budget: its budget of 0.15 EUR is spent (0." in said
        assert run_command(capsys, "budget", job, "100", *store)[0] == 0
        assert run_command(capsys, "resume", job, *store)[0] == 0
        serve_until(job, JobState.PUBLISHED)
    account = farm.client.manifest(job).account
    assert account is not None
    # Forty frames of fifty milliseconds at least; what waited is not charged.
    assert 2.0 <= account.amount < 60
    assert account.amount == pytest.approx(account.worker_s["cpu"])
    assert read_project_account(farm.store, "default") == read_account(farm.store, job)
    _, said, _ = run_command(capsys, "status", job, *store)
    assert f"cost {account.amount:.2f} EUR (0.00 cpu hours, " in said
    _, said, _ = run_command(capsys, "status", job, "--json", *store)
    assert json.loads(said)["account"]["amount"] == account.amount


def test_a_projects_budget_pauses_its_jobs_and_no_others(tmp_path: Path) -> None:
    farm = make_farm(tmp_path)
    farm.store.put(COSTS, (RATES + "budgets: {north: 0.05}\n").encode())
    request = farm.request(trouble=Trouble(frame_s=0.05))
    north = farm.client.submit(replace(request, project="north"))
    south = farm.client.submit(replace(request, project="south", frames="1001-1039"))
    with _serving(farm) as serve_until:
        serve_until(north, JobState.PAUSED)
        serve_until(south, JobState.PUBLISHED)
    assert "project north's budget of 0.05 EUR is spent" in farm.client.why(north).sentence


def test_an_account_goes_on_where_the_last_controller_left_it(tmp_path: Path) -> None:
    farm = make_farm(tmp_path)
    farm.store.put(COSTS, RATES.encode())
    job = farm.client.submit(replace(farm.request(trouble=Trouble(frame_s=0.05)), budget=0.1))
    with _serving(farm) as serve_until:
        serve_until(job, JobState.PAUSED)
    before = read_account(farm.store, job)
    assert before is not None and before.amount >= 0.1
    farm.client.set_budget(job, 100)
    farm.client.resume(job)
    with _serving(farm) as serve_until:
        serve_until(job, JobState.PUBLISHED)
    after = farm.client.manifest(job).account
    assert after is not None and after.amount > before.amount


def test_what_a_finished_minute_costs() -> None:
    costs = Costs(currency="EUR", rates_per_hour={"gpu": 3.6})
    account = Account().charged("gpu", 1000, costs).charged("cpu", 7200, costs)
    assert account.amount == pytest.approx(1.0)
    assert account.a_minute(FRAMES_A_MINUTE // 2) == pytest.approx(2.0)
    assert (
        account.sentence(720)
        == "cost 1.00 EUR (2.00 cpu hours + 0.28 gpu hours, 2.00 EUR a minute)"
    )
    assert Account().charged("cpu", 3600, Costs()).sentence() == "took 1.00 cpu hours"


@pytest.mark.parametrize("text", ["rates_per_hour: {gpu: -1}", "rates_per_hour: 3", "budgets: [1]"])
def test_costs_that_make_no_sense_are_refused(tmp_path: Path, text: str) -> None:
    farm = make_farm(tmp_path)
    farm.store.put(COSTS, text.encode())
    with pytest.raises(IntegrityError, match=r"farm/costs\.yaml"):
        read_costs(farm.store)


def test_a_budget_of_nothing_is_refused(tmp_path: Path) -> None:
    farm = make_farm(tmp_path)
    with pytest.raises(UsageError, match="give more than 0"):
        farm.client.submit(replace(farm.request(), budget=0.0))
    job = farm.client.submit(farm.request())
    with pytest.raises(UsageError, match="give more than 0"):
        farm.client.set_budget(job, -1)
