"""What takes long for one job holds up neither the others nor the farm's term."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_farm import TinyFarm, make_farm
from tiny_pipeline import expected_shot, write_plate

from bodyswap.errors import StoreError
from bodyswap.timing import FrameRange
from cluster.farm.controller import Controller
from cluster.farm.errands import Errands
from cluster.farm.term import LAPSES_AFTER_S, Term
from cluster.jobs.job import JobState
from cluster.jobs.keys import JobKeys
from cluster.stores.asker import Asker
from cluster.stores.local import LocalStore
from cluster.workers.inline import InlineRuntime

PATIENCE_S = 60.0


class _SlowStore(LocalStore):
    """One that copies nothing of the job `of` before it is let."""

    of = ""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.may_copy = threading.Event()
        self.is_copying = threading.Event()

    def copy(self, key: str, to: str) -> None:
        if self.of and self.of in key:
            self.is_copying.set()
            assert self.may_copy.wait(PATIENCE_S), "nobody let it copy"
        super().copy(key, to)


class _Desk:
    """A controller at work on a store in which one job's release takes as long as it is told."""

    def __init__(self, folder: Path) -> None:
        self.store = _SlowStore(folder / "store")
        self.farm = replace(make_farm(folder), store=self.store)
        self.now_s = time.time()
        self.term = Term(self.store, "c", lambda: self.now_s)
        self._runtime = InlineRuntime(self.farm.worker_config)
        self._controller = Controller(
            store=self.store,
            runtime=self._runtime,
            clock=lambda: self.now_s,
            term=self.term,
            requests_at_once=4,
        )

    def close(self) -> None:
        self.store.may_copy.set()
        self._controller.serve(lambda: True)
        self._runtime.close()

    def tend_until(self, state: JobState, job: str) -> None:
        until_s = time.monotonic() + PATIENCE_S
        while self.state(job) is not state:
            assert time.monotonic() < until_s, f"{job} is {self.state(job)}"
            self.tend()

    def tend(self) -> None:
        self.now_s += 1.1
        self._controller.tend(0.01)

    def state(self, job: str) -> JobState:
        return self.farm.client.status(job).state


@pytest.fixture
def desk(tmp_path: Path) -> _Desk:
    return _Desk(tmp_path)


def _another(farm: TinyFarm) -> str:
    plate = write_plate(farm.folder / "another.txt", 44)
    return farm.client.submit(replace(farm.request(), plate=plate))


def test_a_release_that_takes_long_holds_up_nobody(desk: _Desk) -> None:
    slow = desk.store.of = desk.farm.client.submit(desk.farm.request())
    desk.tend_until(JobState.VERIFYING, slow)
    while not desk.store.is_copying.is_set():
        desk.tend()
    other = _another(desk.farm)
    desk.tend_until(JobState.PUBLISHED, other)
    # Longer than a term lasts, had it not been renewed all the while.
    while desk.now_s < time.time() + 2 * LAPSES_AFTER_S:
        desk.tend()
    assert not Term(desk.store, "standby", lambda: desk.now_s).is_held()
    assert desk.term.was_held and desk.state(slow) is JobState.VERIFYING
    assert desk.store.head(JobKeys(job=slow).manifest) is None
    desk.store.may_copy.set()
    desk.tend_until(JobState.PUBLISHED, slow)
    frames = FrameRange(start=0, stop=40)
    assert desk.farm.fetched_shot(slow) == expected_shot(desk.farm.request().plate, frames)
    desk.close()


def test_whoever_cancels_during_a_release_is_answered_after_it(desk: _Desk) -> None:
    slow = desk.store.of = desk.farm.client.submit(desk.farm.request())
    while not desk.store.is_copying.is_set():
        desk.tend()
    desk.farm.client.cancel(slow)
    for _ in range(5):
        desk.tend()
    assert desk.state(slow) is JobState.VERIFYING
    desk.store.may_copy.set()
    desk.tend_until(JobState.PUBLISHED, slow)
    for _ in range(5):
        desk.tend()
    assert desk.state(slow) is JobState.PUBLISHED
    desk.close()


def test_an_errand_is_not_taken_for_another_of_its_job_nor_asked_after_once_forgotten() -> None:
    errands, may_end, ran = Errands(4), threading.Event(), list[str]()

    def slow(asker: Asker) -> None:
        assert may_end.wait(PATIENCE_S)

    assert not errands.is_done("job", "release", slow)
    while not errands.is_done("job", "quarantine", lambda asker: ran.append("quarantine")):
        assert errands.is_out("job")
    assert ran == ["quarantine"] and errands.is_out("job")
    errands.forget("job")
    assert not errands.is_out("job")
    may_end.set()
    errands.close()


def test_an_errand_that_went_wrong_says_so_once_and_is_sent_again() -> None:
    errands = Errands(4)
    went = iter((StoreError("the store does not answer"), None))

    def errand(asker: Asker) -> None:
        trouble = next(went)
        if trouble is not None:
            raise trouble

    def until_back() -> None:
        while not errands.is_done("job", "release", errand):
            assert errands.is_out("job")

    with pytest.raises(StoreError, match="does not answer"):
        until_back()
    assert not errands.is_out("job")
    until_back()
    assert not errands.is_out("job")
    errands.close()
