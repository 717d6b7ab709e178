"""How jobs of a long queue come into a controller's hands."""

from dataclasses import replace
from pathlib import Path

import pytest
from tiny_farm import TinyFarm, make_farm

from bodyswap.errors import IntegrityError, StoreError
from cluster.farm.act import Hands
from cluster.farm.errands import Errands
from cluster.farm.intake import Intake
from cluster.farm.questions import Questions
from cluster.farm.roster import Roster
from cluster.jobs.job import JobState
from cluster.jobs.keys import JobKeys
from cluster.stores.asker import Asker
from cluster.workers.inline import InlineRuntime


@pytest.fixture
def farm(tmp_path: Path) -> TinyFarm:
    return make_farm(tmp_path)


def _submitted(farm: TinyFarm, count: int) -> list[str]:
    """Jobs, the most urgent first."""
    return [
        farm.client.submit(replace(farm.request(), shards=2 + n, priority=90 - n))
        for n in range(count)
    ]


def _intake(farm: TinyFarm, most_at_once: int) -> Intake:
    runtime = InlineRuntime(farm.worker_config)
    hands = Hands(
        store=farm.store, runtime=runtime, roster=Roster(), clock=lambda: 1e9, name="c",
        reader=Asker(), errands=Errands(),
    )  # fmt: skip
    runtime.close()
    questions = Questions(farm.store, hands, Asker(4), Asker())
    return Intake(farm.store, questions, hands, most_at_once=most_at_once)


def test_a_long_queue_is_read_bit_by_bit_the_most_urgent_first(farm: TinyFarm) -> None:
    jobs = _submitted(farm, 5)
    intake = _intake(farm, 2)
    taken: list[str] = []
    for expected in (jobs[:2], jobs[2:4], jobs[4:], []):
        new = [ledger.job for ledger in intake.of_queue(taken)]
        assert new == expected
        taken += new


def test_jobs_that_cannot_be_read_keep_nobody_waiting(farm: TinyFarm) -> None:
    jobs = _submitted(farm, 4)
    for job in jobs[:2]:
        farm.store.put(JobKeys(job=job).spec, b"damaged")
    intake = _intake(farm, 2)
    assert intake.of_queue([]) == []
    assert [ledger.job for ledger in intake.of_queue([])] == jobs[2:]
    # Once somebody has mended it, it is taken as any other.
    farm.store.put(JobKeys(job=jobs[0]).spec, farm.store.get(JobKeys(job=jobs[2]).spec) or b"")
    assert len(intake.of_queue(jobs[2:])) == 1


def test_what_was_asked_of_a_job_is_answered_before_it_is_in_hand(farm: TinyFarm) -> None:
    (job,) = _submitted(farm, 1)
    farm.client.cancel(job)
    (ledger,) = _intake(farm, 2).of_queue([])
    assert ledger.state is JobState.CANCELLED


def test_one_job_that_is_asked_for_is_read_or_refused(farm: TinyFarm) -> None:
    (job,) = _submitted(farm, 1)
    intake = _intake(farm, 2)
    assert intake.of_job(job).job == job
    with pytest.raises(StoreError, match="no job 'nosuch'"):
        intake.of_job("nosuch")
    farm.store.put(JobKeys(job=job).spec, b"damaged")
    with pytest.raises(IntegrityError):
        intake.of_job(job)
