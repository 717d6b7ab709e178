"""Many questions at once, answered as if each had been asked in turn."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_farm import make_farm
from tiny_pipeline import expected_shot

from bodyswap.errors import StoreError, UsageError
from bodyswap.timing import FrameRange
from cluster.farm.controller import Controller
from cluster.farm.term import LAPSES_AFTER_S
from cluster.jobs.job import JobState
from cluster.stores.asker import Asker
from cluster.stores.local import LocalStore
from cluster.workers.inline import InlineRuntime


def _fail() -> int:
    raise StoreError("the store does not answer")


def test_questions_are_asked_at_the_same_time_and_answered_in_their_order() -> None:
    together = threading.Barrier(3, timeout=60)
    asker = Asker(3)

    def ask(number: int) -> int:
        # Nobody comes through before all three are here.
        together.wait()
        return number

    answers = asker.all([lambda n=n: ask(n) for n in range(3)])  # type: ignore[misc]
    assert [answer() for answer in answers] == [0, 1, 2]
    asker.close()


@pytest.mark.parametrize("at_once", [1, 4])
def test_what_goes_wrong_is_told_where_the_answer_is_wanted(at_once: int) -> None:
    asker = Asker(at_once)
    first, second, third = asker.all([lambda: 1, _fail, lambda: 3])
    assert (first(), third()) == (1, 3)
    with pytest.raises(StoreError, match="does not answer"):
        second()
    asker.close()


def test_one_at_a_time_nothing_is_asked_before_its_answer_is_wanted() -> None:
    asked: list[int] = []
    answers = Asker(1).all([lambda: asked.append(0), lambda: asked.append(1)])
    assert asked == []
    answers[1]()
    assert asked == [1]


def test_nothing_at_once_is_refused() -> None:
    with pytest.raises(UsageError, match="0 requests at once"):
        Asker(0)


def test_a_controller_that_asks_much_at_once_delivers_the_same(tmp_path: Path) -> None:
    farm = make_farm(tmp_path)
    request = farm.request()
    job = farm.client.submit(request)
    runtime = InlineRuntime(farm.worker_config)
    controller = Controller(store=farm.store, runtime=runtime, requests_at_once=8)
    assert controller.run_until_final(job).state is JobState.PUBLISHED
    runtime.close()
    assert farm.fetched_shot(job) == expected_shot(request.plate, FrameRange(start=0, stop=40))


class _Meeting(LocalStore):
    """Writes a plan only while two others are about to write theirs."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.together = threading.Barrier(3, timeout=60)

    def put_if_absent(self, key: str, data: bytes) -> bool:
        if key.endswith("/plan.json"):
            self.together.wait()
        return super().put_if_absent(key, data)


def test_jobs_that_come_at_once_are_planned_at_once(tmp_path: Path) -> None:
    farm = replace(make_farm(tmp_path), store=_Meeting(tmp_path / "store"))
    requests = [replace(farm.request(), shards=shards) for shards in (2, 3, 4)]
    jobs = [farm.client.submit(request) for request in requests]
    runtime = InlineRuntime(farm.worker_config)
    controller = Controller(store=farm.store, runtime=runtime, requests_at_once=3)
    controller.tend(0.01)
    assert [farm.client.status(job).state for job in jobs] == [JobState.PLANNED] * 3
    controller.serve(lambda: True)
    runtime.close()


class _SlowPlans(LocalStore):
    """Every plan takes longer than a controller may act without a look around."""

    passed_s = 0.0

    def put_if_absent(self, key: str, data: bytes) -> bool:
        self.passed_s += LAPSES_AFTER_S if key.endswith("/plan.json") else 0.0
        return super().put_if_absent(key, data)


def test_a_controller_looks_around_before_all_is_done_that_takes_long(tmp_path: Path) -> None:
    farm = replace(make_farm(tmp_path), store=_SlowPlans(tmp_path / "store"))
    jobs = [farm.client.submit(replace(farm.request(), shards=shards)) for shards in (2, 3, 4)]
    runtime = InlineRuntime(farm.worker_config)
    controller = Controller(
        store=farm.store, runtime=runtime, clock=lambda: 1e9 + farm.store.passed_s
    )
    for planned in (1, 2, 3):
        controller.tend(0.01)
        states = [farm.client.status(job).state for job in jobs]
        assert len(jobs) - states.count(JobState.SUBMITTED) == planned
    controller.serve(lambda: True)
    runtime.close()
