"""When it is time for something, and whose turn it is.

Pure. Whoever asks tells the time.
"""

from collections.abc import Collection


class Every:
    """Something that is to be done every so many seconds, the first time at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due_at_s = float("-inf")

    def is_due(self, now_s: float) -> bool:
        """True where it is time; then it is not, for as long as it says."""
        if now_s < self._due_at_s:
            return False
        self._due_at_s = now_s + self._seconds
        return True


class Rota:
    """Gives out `at_once` turns every so many seconds, round all that there are."""

    def __init__(self, at_once: int, every_s: float) -> None:
        self._at_once = at_once
        self._every = Every(every_s)
        self._to_come: list[str] = []

    def turn(self, names: Collection[str], now_s: float) -> list[str]:
        """Those of `names` whose turn is now; none before it is time again."""
        if not self._every.is_due(now_s):
            return []
        if not self._to_come:
            self._to_come = list(names)
        given, self._to_come = self._to_come[: self._at_once], self._to_come[self._at_once :]
        return [name for name in given if name in names]
