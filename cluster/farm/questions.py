"""What the controller asks the store before it acts: many questions at once, answered in order.

It changes nothing but by leases, which are there for nobody who does not start under them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from cluster.farm.act import Hands
from cluster.farm.decide import Action, Start
from cluster.farm.ledger import Ledger
from cluster.jobs.commit import Commit, read_commit
from cluster.jobs.control import Wishes, new_requests
from cluster.jobs.lease import Lease
from cluster.jobs.observe import Observed, observe_job
from cluster.jobs.order import Ending, Report
from cluster.stores.asker import Answer, Asker
from cluster.stores.store import Store

Prepared = tuple[Action, Answer[Commit | Lease] | None]
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
        """Each action; of those that start a shard, with its lease or else its commit."""
        starts: list[Start] = []
        for action in actions:
            if isinstance(action, Start):
                starts.append(action)
            if len(starts) == self._asker.at_once or not isinstance(action, Start):
                yield from self._with_leases(starts, ledgers)
                starts = []
            if not isinstance(action, Start):
                yield action, None
        yield from self._with_leases(starts, ledgers)

    def _with_leases(
        self, starts: Sequence[Start], ledgers: Mapping[str, Ledger]
    ) -> Iterator[Prepared]:
        questions = [
            partial(self._hands.lease_for, each, ledgers[each.job].next_epoch(each.shard))
            for each in starts
        ]
        yield from zip(starts, self._asker.all(questions), strict=True)
