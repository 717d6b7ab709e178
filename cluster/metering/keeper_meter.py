"""The metrics of `farm up`: whether its controller lives, and what that one left of its own."""

from collections.abc import Callable
from pathlib import Path

from cluster.metering.exporter import Left, Registered
from cluster.metering.metrics import KEEPER_METRICS, Meters


class KeeperMeter:
    """`left` is what the controller leaves at the path; `deaths` how often it died so far."""

    def __init__(self, path: Path, *, deaths: Callable[[], int]) -> None:
        self.left = Left(path)
        self._meters = Meters(KEEPER_METRICS)
        self._deaths, self._counted = deaths, 0

    @property
    def collector(self) -> Registered:
        return Registered(self._meters.registry, self._refresh)

    def _refresh(self) -> None:
        deaths = self._deaths()
        self._meters.add("controller_restarts", deaths - self._counted)
        self._counted = deaths
        self._meters.put("controller_up", float(self.left.is_fresh))
