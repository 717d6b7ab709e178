"""Ask the store for many things at once: a farm of thousands cannot wait for each in turn.

It does not know what is asked. The answers come in the order of the questions, so whoever goes by
them does the same as if it had asked one after the other.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bodyswap.errors import UsageError

Value = TypeVar("Value")
Answer = Callable[[], Value]
"""What was answered, or raises what went wrong."""

AT_ONCE = 32
"""For a farm's controller: at 20 ms a request, 1,600 of them a second."""


class Asker:
    """Asks at most `at_once` questions at a time; with 1, each only when its answer is wanted."""

    def __init__(self, at_once: int = 1) -> None:
        if at_once < 1:
            raise UsageError(f"{at_once} requests at once were asked for; give at least 1")
        self.at_once = at_once
        self._pool = ThreadPoolExecutor(at_once, "bodyswap-asks") if at_once > 1 else None

    def all(self, questions: Sequence[Answer[Value]]) -> list[Answer[Value]]:
        """Have them all asked. A question must change nothing but the store."""
        if self._pool is None:
            return list(questions)
        return [self._pool.submit(question).result for question in questions]

    def close(self) -> None:
        """Ask nothing more; what is under way comes to its end."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
