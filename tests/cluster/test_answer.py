"""What people ask of jobs is done once, written down, and survives whoever does it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_farm import TinyFarm, make_farm
from tiny_pipeline import Trouble, expected_shot

from bodyswap.timing import FrameRange
from cluster.farm.controller import Controller
from cluster.jobs.control import Request, Verb, put_request
from cluster.jobs.job import JobState, Stage
from cluster.jobs.journal import Entry, Journal
from cluster.jobs.keys import QUEUE
from cluster.jobs.progress import JobStatus
from cluster.workers.inline import InlineRuntime

WHOLE = FrameRange(start=0, stop=40)
OnStatus = Callable[[JobStatus], None]


@pytest.fixture
def farm(tmp_path: Path) -> TinyFarm:
    return make_farm(tmp_path)


def _ask(farm: TinyFarm, job: str, verb: Verb, **arguments: object) -> str:
    request = Request(verb=verb, by="kim", at=1.8e9, arguments=dict(arguments))
    return put_request(farm.store, job, request)


def _serve(farm: TinyFarm, is_over: Callable[[], bool], on_status: OnStatus | None = None) -> None:
    runtime = InlineRuntime(farm.worker_config)
    controller = Controller(store=farm.store, runtime=runtime, on_status=on_status)
    controller.serve(is_over)
    runtime.close()


def _state(farm: TinyFarm, job: str) -> JobState:
    latest = Journal(farm.store, job).latest()
    assert latest is not None
    return latest.state


def _answers(farm: TinyFarm, job: str) -> list[Entry]:
    return [entry for entry in Journal(farm.store, job).read() if entry.request]


def test_a_paused_job_starts_nothing_until_it_is_resumed(farm: TinyFarm) -> None:
    request = farm.request()
    job = farm.client.submit(request)
    _ask(farm, job, Verb.PAUSE)
    rounds: list[JobState] = []

    def look(status: JobStatus) -> None:
        rounds.append(status.state)
        if len(rounds) == 4:
            _ask(farm, job, Verb.RESUME)

    status = farm.run_inline(job, look)
    assert status.state is JobState.PUBLISHED
    assert set(rounds[:4]) == {JobState.PAUSED}
    assert farm.fetched_shot(job) == expected_shot(request.plate, WHOLE)
    pause, resume = _answers(farm, job)
    assert (pause.by, pause.state, pause.why) == ("kim", JobState.PAUSED, "pause, as kim asked")
    assert resume.state is JobState.SUBMITTED


def test_a_cancelled_job_ends_and_its_worker_with_it(farm: TinyFarm) -> None:
    log = farm.folder / "log"
    job = farm.client.submit(farm.request(trouble=Trouble(frame_s=0.3, log=str(log))))

    def look(status: JobStatus) -> None:
        if status.stage is Stage.RENDER and status.frames_done == 2:
            _ask(farm, job, Verb.CANCEL)

    _serve(farm, lambda: not farm.store.list_keys(QUEUE), look)
    assert _state(farm, job) is JobState.CANCELLED
    assert not log.exists(), "a shard was rendered to its end"
    assert not any(entry.failure for entry in Journal(farm.store, job).read())


def test_a_retry_opens_a_failed_job_and_only_what_failed_is_done_again(farm: TinyFarm) -> None:
    log, once = farm.folder / "log", farm.folder / "once"
    trouble = Trouble(kind="bad plate", at=25, once=str(once), log=str(log))
    request = farm.request(trouble=trouble)
    job = farm.client.submit(request)
    assert farm.run_inline(job).state is JobState.FAILED
    assert farm.store.list_keys(QUEUE) == []
    _ask(farm, job, Verb.RETRY, shards=["render-2"])
    _serve(farm, lambda: not farm.store.list_keys(QUEUE))
    assert _state(farm, job) is JobState.PUBLISHED
    assert farm.fetched_shot(job) == expected_shot(request.plate, WHOLE)
    assert len(log.read_text().splitlines()) == 4
    (answer,) = _answers(farm, job)
    assert (answer.state, answer.retried) == (JobState.PLANNED, ("render-2",))


def test_a_retry_of_another_shard_leaves_the_failed_one_as_it_is(farm: TinyFarm) -> None:
    job = farm.client.submit(farm.request(trouble=Trouble(kind="bad plate", at=25)))
    assert farm.run_inline(job).state is JobState.FAILED
    _ask(farm, job, Verb.RETRY, shards=["render-3"])
    assert farm.run_inline(job).state is JobState.FAILED
    failures = [entry for entry in Journal(farm.store, job).read() if entry.failure]
    assert len([entry for entry in failures if entry.shard]) == 1


def test_a_request_is_answered_once_by_however_many_controllers(farm: TinyFarm) -> None:
    job = farm.client.submit(farm.request())
    key = _ask(farm, job, Verb.PRIORITY, priority=90)
    farm.run_inline(job)
    farm.run_inline(job)
    (answer,) = _answers(farm, job)
    assert (answer.request, answer.priority, answer.by) == (key, 90, "kim")


@pytest.mark.parametrize("verb", [Verb.RETRY, Verb.CANCEL, Verb.PAUSE, Verb.RESUME])
def test_a_published_job_stays_so_whatever_is_asked(farm: TinyFarm, verb: Verb) -> None:
    job = farm.client.submit(farm.request(shards=1))
    farm.run_inline(job)
    _ask(farm, job, verb)
    assert farm.run_inline(job).state is JobState.PUBLISHED
    (answer,) = _answers(farm, job)
    assert answer.state is JobState.PUBLISHED and "was not done" in answer.why
