"""Tell people how far each job is: those who listen always, the store now and then.

It does not know how that is found out. The farm does without it.
"""

import logging
from collections.abc import Callable, Iterable
from functools import partial

from bodyswap.errors import StoreError
from cluster.farm.ledger import Ledger
from cluster.jobs.keys import JobKeys
from cluster.jobs.progress import JobStatus
from cluster.stores.asker import Asker
from cluster.stores.record import to_json
from cluster.stores.store import Store

OnStatus = Callable[[JobStatus], None]

_EVERY_S = 1.0
_NEVER: tuple[float, JobStatus | None] = (float("-inf"), None)

_log = logging.getLogger(__name__)


class Bulletin:
    """What was told of each job last. `on_status` hears of every job, however often it is asked."""

    def __init__(self, store: Store, asker: Asker, on_status: OnStatus | None) -> None:
        self._store = store
        self._asker = asker
        self._on_status = on_status
        self._told: dict[str, tuple[float, JobStatus | None]] = {}

    def tell(self, ledgers: Iterable[Ledger], now_s: float) -> StoreError | None:
        """Tell how far these jobs are; what went wrong with it last, if anything did."""
        to_put = []
        for ledger in ledgers:
            told_s, told = self._told.get(ledger.job, _NEVER)
            is_news = told is None or ledger.state is not told.state
            is_due = is_news or now_s >= told_s + _EVERY_S
            if not is_due and self._on_status is None:
                continue
            status = ledger.status(now_s)
            if self._on_status is not None:
                self._on_status(status)
            if is_due and status != told:
                self._told[ledger.job] = (now_s, status)
                to_put.append(status)
        return self._put(to_put)

    def forget(self, job: str) -> None:
        self._told.pop(job, None)

    def _put(self, statuses: list[JobStatus]) -> StoreError | None:
        if not statuses:
            return None
        trouble = None
        puts = [
            partial(self._store.put, JobKeys(job=status.job).progress, to_json(status))
            for status in statuses
        ]
        for status, put in zip(statuses, self._asker.all(puts), strict=True):
            try:
                put()
            except StoreError as error:
                _log.warning("progress of job %s is not told: %s", status.job, error)
                trouble = error
        return trouble
