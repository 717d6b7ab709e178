"""Where the time of a piece of work goes: seconds of each step, without those of steps inside it.

It does not know who reads the clock. Without one running, timing a step costs nothing to speak of.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Thing = TypeVar("Thing")

STEPS = ("fetch", "decode", "pose", "solve", "warm-up", "render", "composite", "encode", "join",
         "mend", "assemble", "store")  # fmt: skip
"""Every step's name, in the order of the work. Time in none of them is a worker's own."""

_WHOLE = "mend"
"""Its rendering and encoding are part of it: what was done twice is to be told apart."""


class StepClock:
    """Seconds by step. Steps may nest: each moment counts for the innermost one.

    `device_s` is how long networks ran on the device meanwhile.
    """

    def __init__(self) -> None:
        self.device_s = 0.0
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._running: list[str] = []
        self._since_s = 0.0

    @property
    def seconds(self) -> dict[str, float]:
        """Up to the last step that began or ended."""
        return dict(self._seconds)

    def enter(self, step: str) -> None:
        self._turn()
        self._running.append(_WHOLE if _WHOLE in self._running[-1:] else step)

    def leave(self) -> None:
        self._turn()
        self._running.pop()

    def _turn(self) -> None:
        now_s = time.perf_counter()
        if self._running:
            self._seconds[self._running[-1]] += now_s - self._since_s
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
    """The block is a step of this name, one of `STEPS`."""
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
        clock.device_s += seconds


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
