"""Take jobs into the controller's hands: many at once, and with what people have asked of them.

It does not know what is done with them.
"""

import logging
from collections.abc import Callable, Collection, Sequence

from bodyswap.errors import BodyswapError
from cluster.farm.act import Hands
from cluster.farm.ledger import Ledger
from cluster.farm.questions import Questions
from cluster.jobs.keys import QUEUE, job_of_marker
from cluster.stores.store import Store

_MOST_AT_ONCE = 500

OnTrouble = Callable[[str, BodyswapError], None]

_log = logging.getLogger(__name__)


class Intake:
    """Reads jobs as the store has them, and answers first what was asked of them.

    Of a queue it reads `most_at_once`: the term has to be renewed before all of a long one is read.
    """

    def __init__(
        self,
        store: Store,
        questions: Questions,
        hands: Hands,
        *,
        most_at_once: int = _MOST_AT_ONCE,
    ) -> None:
        self._store = store
        self._questions = questions
        self._hands = hands
        self._most_at_once = most_at_once
        self._left: set[str] = set()

    def of_job(self, job: str) -> Ledger:
        """That one. Raises StoreError where there is no such job."""

        def refuse(job: str, error: BodyswapError) -> None:
            raise error

        (ledger,) = self._read([job], self._store.list_keys(QUEUE), refuse)
        return ledger

    def of_queue(self, known: Collection[str]) -> list[Ledger]:
        """Those in the queue that are not `known`, the most urgent first; some may come later.

        Raises StoreError where the queue cannot be listed; a job that cannot be read stays in it.
        """
        markers = self._store.list_keys(QUEUE)
        new = [job for job in dict.fromkeys(map(job_of_marker, markers)) if job not in known]
        # However many cannot be read, they keep nobody else waiting.
        new.sort(key=lambda job: job in self._left)
        self._left.intersection_update(new)
        return self._read(new[: self._most_at_once], markers, self._leave)

    def _read(
        self, jobs: Sequence[str], listed: Sequence[str], on_trouble: OnTrouble
    ) -> list[Ledger]:
        # Markers are listed before journals are read: one put later belongs to a later life.
        markers: dict[str, list[str]] = {job: [] for job in jobs}
        for key in listed:
            markers.get(job_of_marker(key), []).append(key)
        ledgers, taken = [], []
        for job, observe in zip(jobs, self._questions.of_jobs(jobs), strict=True):
            try:
                ledgers.append(Ledger(observe(), tuple(markers[job])))
            except BodyswapError as error:
                on_trouble(job, error)
        for ledger, wishes in zip(ledgers, self._questions.of_wishes(ledgers), strict=True):
            try:
                self._hands.answer_requests(ledger, wishes())
                taken.append(ledger)
            except BodyswapError as error:
                on_trouble(ledger.job, error)
        return taken

    def _leave(self, job: str, error: BodyswapError) -> None:
        self._left.add(job)
        _log.warning("job %s is left in the queue: %s", job, error)
