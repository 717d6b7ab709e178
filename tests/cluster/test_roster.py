import pytest

from bodyswap.timing import FrameRange
from cluster.farm.roster import SHARDS_TO_BENCH, Roster
from cluster.jobs.failures import Cause
from cluster.jobs.job import Stage
from cluster.jobs.lease import Lease
from cluster.jobs.plan import Shard


def _lease(index: int, job: str = "j") -> Lease:
    shard = Shard(stage=Stage.RENDER, index=index, frames=FrameRange(start=0, stop=9))
    return Lease(job=job, shard=shard, epoch=1, worker="w")


def _fail(roster: Roster, *indices: int, cause: Cause = Cause.MACHINE) -> list[bool]:
    return [roster.failed(_lease(index), cause, now_s=0.0) for index in indices]


def test_a_worker_that_fails_one_shard_after_the_other_is_benched() -> None:
    assert _fail(Roster(), *range(SHARDS_TO_BENCH)) == [False] * (SHARDS_TO_BENCH - 1) + [True]


def test_failing_the_same_shard_again_and_again_says_nothing_of_the_worker() -> None:
    assert not any(_fail(Roster(), *[0] * 9))


def test_the_same_shard_of_another_job_is_another_shard() -> None:
    roster = Roster()
    jobs = [f"j{number}" for number in range(SHARDS_TO_BENCH)]
    assert [roster.failed(_lease(0, job), Cause.DEATH, now_s=0.0) for job in jobs][-1]


def test_a_success_between_failures_keeps_a_worker_playing() -> None:
    roster = Roster()
    _fail(roster, *range(SHARDS_TO_BENCH - 1))
    roster.committed("w")
    assert not any(_fail(roster, *range(SHARDS_TO_BENCH - 1)))


@pytest.mark.parametrize("cause", [cause for cause in Cause if not cause.is_held_against_worker])
def test_what_is_not_the_workers_fault_is_not_held_against_it(cause: Cause) -> None:
    assert not any(_fail(Roster(), *range(9), cause=cause))
