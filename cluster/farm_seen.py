"""What a farm tells of itself, so that whoever has only the store can see who works on it.

Losing it loses nothing, and nobody decides by it.
"""

from dataclasses import dataclass

from cluster.record import from_json, to_json
from cluster.store import Store

FARM_SEEN = "farm/seen.json"

TELL_EVERY_S = 5.0
"""How often a controller should tell."""

GONE_AFTER_S = 60.0
"""A farm that has told nothing for so long is thought gone."""


@dataclass(frozen=True, kw_only=True)
class WorkerSeen:
    """A live worker and the shard it has, by job and name. Until it is off the bench it gets none.

    `advanced_at_s` is when the last of its `frames_done` was finished.
    """

    name: str
    job: str = ""
    shard: str = ""
    frames_done: int = 0
    advanced_at_s: float | None = None
    benched_until_s: float = 0.0

    @property
    def is_idle(self) -> bool:
        return not self.shard


@dataclass(frozen=True, kw_only=True)
class QuotaSeen:
    """How many workers a project has now, and how many it may have at once."""

    project: str
    running: int
    most: int


@dataclass(frozen=True, kw_only=True)
class FarmSeen:
    """A farm at `at_s`, seconds since 1970. Projects without a quota are not in `quotas`."""

    controller: str
    at_s: float
    workers: tuple[WorkerSeen, ...] = ()
    quotas: tuple[QuotaSeen, ...] = ()

    def is_gone(self, now_s: float) -> bool:
        return now_s - self.at_s > GONE_AFTER_S

    def worker(self, name: str) -> WorkerSeen | None:
        return next((worker for worker in self.workers if worker.name == name), None)

    def spent_quota(self, project: str) -> QuotaSeen | None:
        """The project's quota, if all of it is in use."""
        quotas = (quota for quota in self.quotas if quota.project == project)
        return next((quota for quota in quotas if quota.running >= quota.most), None)


def tell_farm(store: Store, seen: FarmSeen) -> None:
    """Say what the farm is now: every `TELL_EVERY_S`, by the one controller that drives it."""
    store.put(FARM_SEEN, to_json(seen))


def see_farm(store: Store) -> FarmSeen | None:
    """What the last farm told of itself; None where none ever did."""
    data = store.get(FARM_SEEN)
    return None if data is None else from_json(data, FarmSeen, what=FARM_SEEN)
