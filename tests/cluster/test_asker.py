"""Many questions at once, answered as if each had been asked in turn."""

import threading
from pathlib import Path

import pytest
from tiny_farm import make_farm
from tiny_pipeline import expected_shot

from bodyswap.errors import StoreError, UsageError
from bodyswap.timing import FrameRange
from cluster.farm.controller import Controller
from cluster.jobs.job import JobState
from cluster.stores.asker import Asker
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
