"""What the controller asks the store before it acts: many questions at once, answered in order.

It changes nothing but by leases, which are there for nobody who does not start under them, and by
plans, of which the first that was written stands.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from cluster.farm.act import Asked, Hands
from cluster.farm.decide import Action
from cluster.farm.ledger import Ledger
from cluster.jobs.commit import Commit, read_commit
from cluster.jobs.control import Wishes, new_requests
from cluster.jobs.observe import Observed, observe_job
from cluster.jobs.order import Ending, Report
from cluster.stores.asker import Answer, Asker
from cluster.stores.store import Store

Prepared = tuple[Action, Answer[Asked] | None]
Heard = tuple[Report, Answer[Commit | None] | None]


class Questions:
    """Asks `asker`; of whole jobs, each of which asks many things itself, `reader` besides."""

    def __init__(self, store: Store, hands: Hands, asker: Asker, reader: Asker) -> None:
        self._store = store
        self._hands = hands
        self._asker = asker
        self._reader = reader

    def close(self) -> None:
        """Ask nothing more."""
        self._asker.close()
        self._reader.close()

    def of_jobs(self, jobs: Iterable[str]) -> list[Answer[Observed]]:
        """All that the store has of each."""
        return self._asker.all([partial(observe_job, self._store, j, self._reader) for j in jobs])

    def of_wishes(self, ledgers: Iterable[Ledger]) -> list[Answer[Wishes]]:
        """What people have asked of each job since."""
        return self._asker.all(
            [partial(new_requests, self._store, ledger.job, ledger.answered) for ledger in ledgers]
        )

    def of_reports(self, reports: Sequence[Report]) -> Iterator[Heard]:
        """Each report; whatever is said of an end, with what stands in the store."""
        leases = [report.lease for report in reports if isinstance(report, Ending)]
        questions = [partial(read_commit, self._store, each.job, each.shard) for each in leases]
        answers = iter(self._asker.all(questions))
        for report in reports:
            yield report, next(answers) if isinstance(report, Ending) else None

    def of_actions(
        self, actions: Iterable[Action], ledgers: Mapping[str, Ledger]
    ) -> Iterator[Prepared]:
        """Each action, in its order, with the answer to what has to be asked before it is done."""
        together: list[tuple[Action, Answer[Asked]]] = []
        for action in actions:
            question = self._hands.question_of(ledgers[action.job], action)
            if question is not None:
                together.append((action, question))
            if question is None or len(together) == self._asker.at_once:
                yield from self._answered(together)
                together = []
            if question is None:
                yield action, None
        yield from self._answered(together)

    def _answered(self, together: Sequence[tuple[Action, Answer[Asked]]]) -> Iterator[Prepared]:
        if together:
            answers = self._asker.all([question for _, question in together])
            yield from zip([action for action, _ in together], answers, strict=True)
