"""The door before pictures leave the store through the page: consent, and a line in the log.

Whoever looks at a shot is written down once an hour; whether the consent still stands is asked
again every few seconds, so that a revocation closes the page too.
"""

from bodyswap.rights.permit import Deed
from bodyswap.rights.trust import operator_trust
from cluster.review.glances import Glances
from cluster.review.shots import Shots
from cluster.rights.doors import covering_all, permit_all

_WRITTEN_FOR_S = 3600.0
_STANDS_FOR_S = 10.0


class Viewing:
    """Lets visitors look at jobs, one by one."""

    def __init__(self, shots: Shots) -> None:
        self._shots = shots
        self._written = Glances(_WRITTEN_FOR_S)
        self._standing = Glances(_STANDS_FOR_S)

    def check(self, job: str, who: str) -> None:
        """Raises JobError where there is no such job, RefusedError where no consent covers it."""
        self._standing.get(job, lambda: self._look(job))
        self._written.get((job, who), lambda: self.write(job, who))

    def write(self, job: str, who: str) -> bool:
        """Pass the door in the name of `who`, and have it written down now."""
        spec = self._shots.spec(job)
        permit_all(
            self._shots.store, spec, Deed.DOWNLOAD, by=who, now_s=self._shots.clock(),
            detail="shown on the review page",
        )  # fmt: skip
        return True

    def _look(self, job: str) -> bool:
        spec, now_s = self._shots.spec(job), self._shots.clock()
        covering_all(self._shots.store, spec, Deed.DOWNLOAD, operator_trust(), now_s)
        return True
