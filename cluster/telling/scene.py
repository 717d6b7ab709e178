"""All that an answer to "why?" is drawn from, and the answer.

Pure: it does not know where any of it was learnt, or how it is worded.
"""

from dataclasses import dataclass
from enum import StrEnum

from cluster.telling.farm_seen import FarmSeen
from cluster.telling.seen import JobSeen


class WaitsFor(StrEnum):
    """What is missing, for programs."""

    NOTHING = "nothing"
    RETRY = "retry"
    RESUME = "resume"
    REQUEST = "request"
    FARM = "farm"
    PLAN = "plan"
    STAGE = "stage"
    PREDECESSOR = "predecessor"
    PAUSE = "pause"
    WORKER = "worker"
    QUOTA = "quota"
    START = "start"
    WORK = "work"
    VERIFYING = "verifying"
    PUBLISHING = "publishing"


@dataclass(frozen=True, kw_only=True)
class Why:
    """The answer: a clause that goes on from the name of what was asked about."""

    waits_for: WaitsFor
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Scene:
    """All that is known at `now_s`. `ahead` counts the jobs that the queue has before this one."""

    job: JobSeen
    now_s: float
    farm: FarmSeen | None = None
    ahead: int = 0

    @property
    def present_farm(self) -> FarmSeen | None:
        """The farm, if there is one at work now."""
        is_gone = self.farm is None or self.farm.is_starting or self.farm.is_gone(self.now_s)
        return None if is_gone else self.farm

    @property
    def starting_farm(self) -> FarmSeen | None:
        """The farm that is about to be there, if one is."""
        is_near = self.farm and self.farm.is_starting and not self.farm.is_gone(self.now_s)
        return self.farm if is_near else None
