"""What part of the farm each project gets, looked up now and then."""

from cluster.jobs.observe import read_shares
from cluster.jobs.snapshot import ProjectShare
from cluster.stores.store import Store

_EVERY_S = 30.0


class Quotas:
    """The `shares` of the projects that have any, as they were when the store last told."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read_at_s = float("-inf")
        self.shares: dict[str, ProjectShare] = {}

    def look(self, now_s: float) -> None:
        """Read them anew where it is time. Raises StoreError, and then it still is."""
        if now_s >= self._read_at_s + _EVERY_S:
            self.shares = read_shares(self._store)
            self._read_at_s = now_s
