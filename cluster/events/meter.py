"""A listener's metrics, gathered beside it. It does not know what listening is."""

import time
from collections.abc import Callable
from dataclasses import asdict

from cluster.events.listener import Counts
from cluster.metering.exporter import Registered
from cluster.metering.figure_meter import count_tallied
from cluster.metering.metrics import LISTENER_METRICS, METRICS, Meters
from cluster.stores.tally import TALLY, Tallied

_OWN = ("store_requests", "store_bytes", "consent_refusals")
"""What every process counts of itself."""

_NAMES = {
    "heard": "events_received",
    "known": "events_duplicated",
    "unmatched": "events_unmatched",
    "found_by_sweep": "events_swept",
    "dead_lettered": "events_dead_lettered",
    "submitted": "events_submitted",
    "answered": "events_answered",
}


class ListenMeter:
    """Counts what a listener does. `dead_letters` tells how many lie in their queue."""

    def __init__(
        self,
        dead_letters: Callable[[], int] | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        shared = tuple(row for row in METRICS if row.name in _OWN)
        self.meters = Meters(LISTENER_METRICS + shared)
        self._dead_letters, self._clock = dead_letters, clock
        self._told, self._tallied = Counts(), Tallied()
        self.meters.put("listener_seen_timestamp_seconds", clock())

    @property
    def collector(self) -> Registered:
        return Registered(self.meters.registry, self._refresh)

    def hear(self, counts: Counts) -> None:
        """Take in what a round has come to. Raises StoreError where the queue fails."""
        before = asdict(self._told)
        for field, count in asdict(counts).items():
            self.meters.add(_NAMES[field], count - before[field])
        self._told = counts
        self.meters.put("listener_seen_timestamp_seconds", self._clock())
        if self._dead_letters is not None:
            self.meters.put("dead_letters", self._dead_letters())

    def _refresh(self) -> None:
        now = TALLY.read()
        count_tallied(self.meters, now.since(self._tallied))
        self._tallied = now
