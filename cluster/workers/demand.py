"""How many workers of each crew there should be, and what of that the autoscaler is asked for."""

from collections.abc import Collection, Mapping

from cluster.jobs.job import Stage
from cluster.workers.crew import CrewPlan
from cluster.workers.ray_nodes import ask_for
from cluster.workers.settings import FarmSettings


class Demand:
    """Rises at once with the shards there are; falls, where machines come and go, after a while."""

    def __init__(self, crews: Collection[CrewPlan], settings: FarmSettings) -> None:
        self._settings = settings
        self._wanted = dict.fromkeys(crews, 0)
        self._asked_for = dict(self._wanted)
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
        self._ask()

    def rest(self) -> None:
        """Want nobody."""
        self._wanted = dict.fromkeys(self._wanted, 0)
        self._ask()

    def end(self) -> None:
        """Leave no wish behind with the autoscaler."""
        if self._settings.autoscale:
            ask_for([])

    def _ask(self) -> None:
        if self._settings.autoscale and self._asked_for != self._wanted:
            self._asked_for = dict(self._wanted)
            ask_for([crew.resources for crew, count in self._wanted.items() for _ in range(count)])
