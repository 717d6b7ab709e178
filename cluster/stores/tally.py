"""What this process has asked of the store, and whom a door has sent away: counts since it began.

It does not know who reads them: a worker's go to the controller with its heartbeats, the control
plane's own are served where it is asked.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

Counts = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Tallied:
    """Counts by name: requests by "operation outcome", bytes "sent" and "received"."""

    requests: Counts = field(default_factory=dict)
    bytes: Counts = field(default_factory=dict)
    refusals: Counts = field(default_factory=dict)

    def since(self, before: "Tallied") -> "Tallied":
        """What was counted after `before`."""
        return Tallied(
            requests=grown(self.requests, before.requests),
            bytes=grown(self.bytes, before.bytes),
            refusals=grown(self.refusals, before.refusals),
        )


class Tally:
    """Counts from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._refusals: Counter[str] = Counter()

    def asked(self, operation: str, outcome: str) -> None:
        """One request of the store was answered, or given up."""
        with self._lock:
            self._requests[f"{operation} {outcome}"] += 1

    def moved(self, direction: str, count: int) -> None:
        with self._lock:
            self._bytes[direction] += count

    def refused(self, reason: str) -> None:
        """A door let somebody not through, for this reason."""
        with self._lock:
            self._refusals[str(reason)] += 1

    def read(self) -> Tallied:
        with self._lock:
            return Tallied(
                requests=dict(self._requests),
                bytes=dict(self._bytes),
                refusals=dict(self._refusals),
            )


def grown(now: Counts, before: Counts) -> dict[str, float]:
    """By how much each count grew; those that did not are left out."""
    return {
        name: count - before.get(name, 0.0)
        for name, count in now.items()
        if count > before.get(name, 0.0)
    }


TALLY = Tally()
"""This process's own: clients of the store are opened in many places, and all count here."""
