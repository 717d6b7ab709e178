import pytest

from cluster.jobs.job import JobState
from cluster.telling.waiting import Outcome, outcome_of

AT_REST = {
    "published": Outcome.DONE,
    "paused": Outcome.PAUSED,
    "cancelled": Outcome.CANCELLED,
    "failed": Outcome.FAILED,
    "quarantined": Outcome.FAILED,
}


@pytest.mark.parametrize("state", list(JobState))
def test_one_job_is_waited_for_until_it_can_only_go_on_by_being_asked(state: JobState) -> None:
    assert outcome_of([state]) is AT_REST.get(state)


@pytest.mark.parametrize("state", list(JobState))
def test_among_several_jobs_the_worst_tells_and_none_may_be_under_way(state: JobState) -> None:
    together = outcome_of([JobState.PUBLISHED, state, JobState.FAILED])
    assert together is (Outcome.FAILED if state in AT_REST else None)
    assert outcome_of([state, JobState.PUBLISHED]) is AT_REST.get(state)


def test_the_exit_codes_are_what_scripts_rely_on() -> None:
    codes = {outcome.value: outcome.exit_code for outcome in Outcome}
    assert codes == {"done": 0, "timeout": 1, "failed": 2, "cancelled": 3, "paused": 4}
