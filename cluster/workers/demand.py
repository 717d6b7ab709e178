"""How many workers of each crew there should be, and what of that the autoscaler is asked for."""

from collections.abc import Collection, Mapping

from cluster.jobs.job import Stage
from cluster.workers.crew import CrewPlan
from cluster.workers.ray_nodes import ask_for
from cluster.workers.settings import FarmSettings

_ASK_AGAIN_S = 30.0
"""A head that was started anew knows nothing of what it was asked."""


class Demand:
    """Rises at once with the shards there are; falls, where machines come and go, after a while."""

    def __init__(self, crews: Collection[CrewPlan], settings: FarmSettings) -> None:
        self._settings = settings
        self._wanted = dict.fromkeys(crews, 0)
        # None before the first wish: what a controller that was killed has asked still holds.
        self._asked_for: dict[CrewPlan, int] | None = None
        self._asked_at_s = 0.0
        self._needed_at_s = dict.fromkeys(crews, 0.0)

    def of(self, crew: CrewPlan) -> int:
        """How many workers the crew should have now."""
        return self._wanted[crew]

    def want(self, shards: Mapping[Stage, int], *, now_s: float) -> None:
        """Hear how many shards of each stage could be worked on, at `now_s` of a steady clock."""
        for crew, wanted in self._wanted.items():
            needed = min(crew.most, sum(shards.get(stage, 0) for stage in crew.stages))
            if needed and not self._settings.autoscale:
                needed = crew.most
            is_idle = now_s > self._needed_at_s[crew] + self._settings.idle_s
            if needed >= wanted:
                self._needed_at_s[crew] = now_s
            if needed > wanted or (is_idle and self._settings.autoscale):
                self._wanted[crew] = needed
        self._ask(now_s)

    def rest(self) -> None:
        """Want nobody. What the autoscaler is asked is another's to say now."""
        self._wanted = dict.fromkeys(self._wanted, 0)
        self._asked_for = None

    def end(self) -> None:
        """Leave no wish behind with the autoscaler."""
        if self._asked_for is not None:
            ask_for([])

    def _ask(self, now_s: float) -> None:
        is_due = now_s >= self._asked_at_s + _ASK_AGAIN_S or self._asked_for != self._wanted
        if self._settings.autoscale and is_due:
            self._asked_for, self._asked_at_s = dict(self._wanted), now_s
            ask_for([crew.resources for crew, count in self._wanted.items() for _ in range(count)])
