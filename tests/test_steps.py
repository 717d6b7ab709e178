"""Each moment counts for the innermost step, and nothing is counted without a clock."""

import threading
import time
from collections.abc import Iterator

import pytest

from bodyswap.steps import (
    StepClock,
    clocked,
    device_ran,
    each_step,
    in_another_thread,
    step,
    unclocked,
)


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which only the test moves on."""
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return now


def test_a_step_inside_another_is_not_counted_twice(ticking: list[float]) -> None:
    def frames() -> Iterator[int]:
        for n in range(3):
            ticking[0] += 10
            yield n

    clock = StepClock()
    with clocked(clock), step("encode"):
        for _ in each_step("decode", frames()):
            ticking[0] += 1
    assert clock.seconds == {"decode": 30, "encode": 3}


def test_what_is_mended_is_told_apart_from_what_is_rendered(ticking: list[float]) -> None:
    clock = StepClock()
    with clocked(clock):
        with step("render"):
            ticking[0] += 1
        with step("mend"), step("render"):
            ticking[0] += 5
    assert clock.seconds == {"render": 1, "mend": 5}


def test_a_step_that_raises_ends(ticking: list[float]) -> None:
    clock = StepClock()
    with clocked(clock):
        with pytest.raises(ValueError, match="no"), step("pose"):
            ticking[0] += 2
            raise ValueError("no")
        ticking[0] += 100
    device_ran(1.0)
    with step("pose"):
        ticking[0] += 100
    assert clock.seconds == {"pose": 2}
    assert clock.device_s == 0


def test_another_threads_steps_count_here_and_waiting_for_them_does_not(
    ticking: list[float],
) -> None:
    def work() -> None:
        with step("decode"):
            ticking[0] += 10
            device_ran(4.0)

    clock = StepClock()
    with clocked(clock), step("encode"):
        ticking[0] += 1
        thread = threading.Thread(target=in_another_thread(work))
        with unclocked():
            thread.start()
            thread.join()
        ticking[0] += 1
    assert clock.seconds == {"decode": 10, "encode": 2}
    assert clock.device_s == 4
