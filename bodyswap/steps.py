"""Where the time of a piece of work goes: seconds of each step, without those of steps inside it.

Steps that overlap, each in a thread of its own, count each for itself, so that together they may
be longer than the work. It does not know who reads the clock. Without one running, timing a step
costs nothing to speak of.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Thing = TypeVar("Thing")

_WHOLE = "mend"
"""Its rendering and encoding are part of it: what was done twice is to be told apart."""
_NOTHING = ""
"""Waiting for another thread's step, which counts there."""


class _Totals:
    """What all threads of one piece of work have counted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self.device_s = 0.0

    def add(self, step: str, seconds: float) -> None:
        with self._lock:
            self._seconds[step] += seconds

    def device_ran(self, seconds: float) -> None:
        with self._lock:
            self.device_s += seconds

    def read(self) -> dict[str, float]:
        with self._lock:
            return dict(self._seconds)


class StepClock:
    """Seconds by step. Steps may nest: each moment counts for the innermost one."""

    def __init__(self, beside: "StepClock | None" = None) -> None:
        """One for another thread of the work of `beside`, if given: it adds to the same seconds."""
        self._totals: _Totals = beside._totals if beside else _Totals()
        self._is_whole = beside is not None and beside._in_whole()
        self._running: list[str] = []
        self._since_s = 0.0

    @property
    def seconds(self) -> dict[str, float]:
        """Up to the last step that began or ended."""
        return self._totals.read()

    @property
    def device_s(self) -> float:
        """How long networks ran on the device meanwhile."""
        return self._totals.device_s

    def device_ran(self, seconds: float) -> None:
        self._totals.device_ran(seconds)

    def enter(self, step: str) -> None:
        self._turn()
        self._running.append(_WHOLE if step and self._in_whole() else step)

    def leave(self) -> None:
        self._turn()
        self._running.pop()

    def _in_whole(self) -> bool:
        return self._is_whole or self._running[-1:] == [_WHOLE]

    def _turn(self) -> None:
        now_s = time.perf_counter()
        if self._running and self._running[-1] != _NOTHING:
            self._totals.add(self._running[-1], now_s - self._since_s)
        self._since_s = now_s


# The one piece of state of its own: handing the clock through every stage would put it into each
# signature, and a context variable keeps two workers' threads apart.
_CLOCK: ContextVar[StepClock | None] = ContextVar("step_clock", default=None)


@contextmanager
def clocked(clock: StepClock) -> Iterator[None]:
    """Let the steps inside the block count on `clock`."""
    before = _CLOCK.set(clock)
    try:
        yield
    finally:
        _CLOCK.reset(before)


@contextmanager
def step(name: str) -> Iterator[None]:
    """The block is a step of this name. Time in no step is a worker's own."""
    clock = _CLOCK.get()
    if clock is None:
        yield
        return
    clock.enter(name)
    try:
        yield
    finally:
        clock.leave()


def device_ran(seconds: float) -> None:
    """Count seconds in which a network ran on the device."""
    clock = _CLOCK.get()
    if clock is not None:
        clock.device_ran(seconds)


@contextmanager
def unclocked() -> Iterator[None]:
    """The block is no step, whatever it is inside of: it waits for another thread's."""
    with step(_NOTHING):
        yield


def in_another_thread(work: Callable[[], None]) -> Callable[[], None]:
    """`work`, whose steps are to count here although another thread will do it."""
    clock = _CLOCK.get()
    if clock is None:
        return work
    beside = StepClock(beside=clock)

    def clocked_work() -> None:
        with clocked(beside):
            work()

    return clocked_work


def each_step(name: str, things: Iterable[Thing]) -> Iterator[Thing]:
    """`things`, each of which is made in a step of this name; what its taker does is not in it."""
    source = iter(things)
    while True:
        with step(name):
            try:
                thing = next(source)
            except StopIteration:
                return
        yield thing
