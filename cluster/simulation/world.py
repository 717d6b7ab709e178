"""Simulated time: what happens when, in an order that the seed alone decides."""

import heapq
import random
from collections.abc import Callable
from itertools import count

Event = Callable[[], None]


class World:
    """A clock and the events to come. Seconds count from 0."""

    def __init__(self, seed: int) -> None:
        self.now_s = 0.0
        self.random = random.Random(seed)
        self._events: list[tuple[float, int, Event]] = []
        self._order = count()

    def after(self, delay_s: float, event: Event) -> None:
        """Let `event` happen `delay_s` from now."""
        heapq.heappush(self._events, (self.now_s + delay_s, next(self._order), event))

    def pass_time(self, seconds: float) -> None:
        """Let time pass within an event: whatever else is due by then happens meanwhile."""
        until_s = self.now_s + seconds
        while self._events and self._events[0][0] <= until_s:
            self.happen()
        # What happened may have let more time pass than that.
        if self.now_s < until_s:
            self.now_s = until_s

    def happen(self) -> bool:
        """Let the next event happen; False where there is none."""
        if not self._events:
            return False
        at_s, _, event = heapq.heappop(self._events)
        if self.now_s < at_s:
            self.now_s = at_s
        event()
        return True

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability
