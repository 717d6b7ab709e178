"""The farm's loop: observe, decide, act.

It knows nothing that is not in the store or heard from the runtime, so it may die at any instant:
another one goes on from the last commit. Deciding is `decide`'s, doing `act`'s.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from bodyswap.errors import InputError, IntegrityError, StoreError
from cluster.farm.act import Hands
from cluster.farm.bulletin import Bulletin, OnStatus
from cluster.farm.decide import Action, Decide, decide
from cluster.farm.drains import drained_nodes
from cluster.farm.errands import Errands
from cluster.farm.intake import Intake
from cluster.farm.ledger import Ledger
from cluster.farm.questions import Questions
from cluster.farm.quotas import Quotas
from cluster.farm.roster import Roster
from cluster.farm.rota import Every, Rota
from cluster.farm.term import LAPSES_AFTER_S, Term
from cluster.jobs.commit import Commit
from cluster.jobs.failures import classify
from cluster.jobs.order import Ending, Failed, HandedBack, Progressed, Report
from cluster.jobs.progress import JobStatus
from cluster.jobs.snapshot import Snapshot, waiting_shards
from cluster.stores.asker import Answer, Asker
from cluster.stores.store import Store
from cluster.workers.runtime import Runtime

_STEP_S = 0.2
_QUEUE_EVERY_S = 1.0
_JOBS_ASKED_AT_ONCE = 25
"""For new requests, every so often: with more jobs than that a request is heard of later."""
_STORE_PATIENCE_S = 60.0
_DRAINS_EVERY_S = 5.0
_LONGEST_ACT_S = LAPSES_AFTER_S / 3.0

_log = logging.getLogger(__name__)


class Controller:
    """Drives jobs of `store` to their end on the workers of `runtime`.

    `on_status` hears of every job in hand, a few times a second. `clock` tells seconds since 1970.
    `decide_next` is `decide`, or what a test would have in its place. With a `term`, serving waits
    until the farm is this controller's; without one it works beside others. The store is asked for
    as much as `requests_at_once`.
    """

    def __init__(
        self,
        *,
        store: Store,
        runtime: Runtime,
        on_status: OnStatus | None = None,
        clock: Callable[[], float] = time.time,
        name: str = "controller",
        decide_next: Decide = decide,
        term: Term | None = None,
        requests_at_once: int = 1,
    ) -> None:
        self._store = store
        self._runtime = runtime
        self._clock = clock
        self._decide = decide_next
        self._term = term
        self._roster = Roster()
        asker, reader = Asker(requests_at_once), Asker(requests_at_once)
        self._errands = Errands(requests_at_once)
        self._hands = Hands(
            store=store,
            runtime=runtime,
            roster=self._roster,
            clock=clock,
            name=name,
            reader=reader,
            errands=self._errands,
        )
        self._questions = Questions(store, self._hands, asker, reader)
        self._intake = Intake(store, self._questions, self._hands)
        self._bulletin = Bulletin(store, asker, on_status)
        self._ledgers: dict[str, Ledger] = {}
        self._unheard: list[Report] = []
        self._doubtful: set[str] = set()
        self._rota = Rota(_JOBS_ASKED_AT_ONCE, _QUEUE_EVERY_S)
        self._queue_look = Every(_QUEUE_EVERY_S)
        self._crew_look = Every(_QUEUE_EVERY_S)
        self._drains_look = Every(_DRAINS_EVERY_S)
        self._quotas = Quotas(store)
        self._trouble: tuple[float, StoreError] | None = None

    def run_until_final(self, job: str) -> JobStatus:
        """Work on `job` alone until it has ended.

        Raises:
            StoreError: there is no such job, or the store fails and fails; calling again goes on.
        """
        ledger = self.take_up(job)
        while not ledger.is_final or (ledger.markers and self._errands.is_out(job)):
            self.step()
            if self._trouble and self._clock() > self._trouble[0] + _STORE_PATIENCE_S:
                raise self._trouble[1]
        self._forget(job)
        return ledger.status(self._clock())

    def take_up(self, job: str) -> Ledger:
        """Have the job in hand. Raises StoreError where there is no such job."""
        ledger = self._ledgers[job] = self._intake.of_job(job)
        return ledger

    def serve(self, should_stop: Callable[[], bool]) -> None:
        """Work on every job that is or comes into the queue, until told to stop."""
        try:
            while not should_stop():
                self.tend()
        finally:
            # Interrupted as well: whoever comes next need not wait for the term to lapse.
            if self._term is not None:
                with suppress(StoreError):
                    self._term.give_up()
            self._errands.close()
            self._questions.close()

    def tend(self, timeout_s: float = _STEP_S) -> None:
        """One round of serving, or of standing by where another controller runs the farm."""
        if not self._holds_term():
            self._stand_by(timeout_s)
            return
        if self._queue_look.is_due(self._clock()):
            self._take_queue()
        self.step(timeout_s)

    def _holds_term(self) -> bool:
        if self._term is None:
            return True
        try:
            return self._term.is_held()
        except StoreError as error:
            self._note_trouble("the term", error)
            return self._term.was_held

    def _stand_by(self, timeout_s: float) -> None:
        # Whoever has the farm now gives the same shards to workers of its own.
        for ledger in self._ledgers.values():
            for held in ledger.view.held:
                self._runtime.stop(held.lease.worker)
        self._runtime.rest()
        for job in list(self._ledgers):
            self._forget(job)
        self._runtime.poll(timeout_s)

    def _take_queue(self) -> None:
        """Take up every job that has come into the queue, and drop those that are over."""
        for job, ledger in list(self._ledgers.items()):
            if ledger.is_final and not ledger.view.held and not ledger.markers:
                self._forget(job)
        try:
            self._quotas.look(self._clock())
            new = self._intake.of_queue(self._ledgers)
        except StoreError as error:
            self._note_trouble("the queue", error)
            return
        self._ledgers |= {ledger.job: ledger for ledger in new}

    def step(self, timeout_s: float = _STEP_S) -> None:
        """Hear what the workers say, and do what follows from it."""
        reports, self._unheard = self._unheard, []
        reports += self._runtime.poll(timeout_s)
        for report, standing in self._questions.of_reports(reports):
            self._hear(report, standing)
        for job in sorted(self._doubtful):
            self._try(job, self._hands.reload)
        self._ask_for_requests()
        self._look_at_crew()
        self._act(self._decide(self._snapshot()))
        for ledger in list(self._ledgers.values()):
            if ledger.is_final and ledger.markers:
                self._try(ledger.job, self._hands.leave_queue)
        trouble = self._bulletin.tell(list(self._ledgers.values()), self._clock())
        if trouble is not None:
            self._note_trouble("progress", trouble)

    def _act(self, actions: Sequence[Action]) -> None:
        """Do what was decided, but nothing of what was decided by a look at a job that is past."""
        looks = {action.job: self._ledgers[action.job].looks for action in actions}
        until_s = self._clock() + _LONGEST_ACT_S
        for action, asked in self._questions.of_actions(actions, self._ledgers):
            job = action.job
            if job not in self._doubtful and self._ledgers[job].looks == looks[job]:
                self._try(job, partial(self._hands.act, action=action, asked=asked))
            # The term is renewed between steps; what is left is decided again in the next.
            if self._clock() > until_s:
                break

    def _forget(self, job: str) -> None:
        del self._ledgers[job]
        self._doubtful.discard(job)
        self._bulletin.forget(job)
        self._errands.forget(job)

    def _snapshot(self) -> Snapshot:
        sure = [ledger for job, ledger in self._ledgers.items() if job not in self._doubtful]
        return Snapshot(
            now_s=self._clock(),
            jobs=tuple(ledger.view for ledger in sure),
            workers=self._roster.views(self._runtime),
            shares=self._quotas.shares,
            nodes=self._runtime.nodes,
            leaving_nodes=self._runtime.leaving_nodes,
        )

    def _hear(self, report: Report, standing: Answer[Commit | None] | None) -> None:
        """Take a report in; one of a lease that is held no longer is counted, and no more."""
        lease = report.lease
        ledger = self._ledgers.get(lease.job)
        if ledger is None:
            return
        if ledger.held(lease) is None:
            ledger.ignored(lease)
        elif isinstance(report, Progressed):
            ledger.progressed(lease, report.frames_done, self._clock())
        elif standing is not None:
            end = partial(self._end_attempt, report=report, standing=standing)
            if not self._try(lease.job, end):
                self._unheard.append(report)

    def _end_attempt(self, ledger: Ledger, report: Ending, standing: Answer[Commit | None]) -> None:
        commit = standing()
        if isinstance(report, HandedBack):
            self._hands.hand_back(ledger, report.lease, commit)
            return
        failure = report.failure if isinstance(report, Failed) else None
        if failure is None and commit is None:
            lost = IntegrityError(f"the commit of {report.lease.shard} is gone from the store")
            failure = classify(lost, worker=report.lease.worker, at_s=self._clock())
        self._hands.end_attempt(ledger, report.lease, failure, commit)

    def _ask_for_requests(self) -> None:
        # While an errand is out its job stays as it is: what is asked of it is answered after.
        asked = [
            job
            for job in self._rota.turn(self._ledgers, self._clock())
            if job not in self._doubtful and not self._errands.is_out(job)
        ]
        wishes = self._questions.of_wishes(self._ledgers[job] for job in asked)
        for job, wish in zip(asked, wishes, strict=True):
            self._try(job, lambda ledger, wish=wish: self._hands.answer_requests(ledger, wish()))  # type: ignore[misc]

    def _look_at_crew(self) -> None:
        """Tell the runtime, now and then, what is to be done and which machines are to leave."""
        now_s = self._clock()
        if not self._crew_look.is_due(now_s):
            return
        self._runtime.want(waiting_shards(ledger.view for ledger in self._ledgers.values()))
        if self._drains_look.is_due(now_s):
            try:
                self._runtime.drain(drained_nodes(self._store))
            except StoreError as error:
                self._note_trouble("what is to be drained", error)

    def _try(self, job: str, deed: Callable[[Ledger], None]) -> bool:
        """Do it to the job's ledger; where the store fails, the job is looked at anew first."""
        ledger = self._ledgers[job]
        try:
            try:
                deed(ledger)
            # Among them what its operator wrote: one bad seal must not stop the whole farm.
            except (InputError, IntegrityError) as error:
                self._hands.condemn(ledger, error)
        except StoreError as error:
            self._doubtful.add(job)
            self._note_trouble(f"job {job}", error)
            return False
        self._doubtful.discard(job)
        self._trouble = None
        return True

    def _note_trouble(self, what: str, error: StoreError) -> None:
        _log.warning("%s has to wait for the store: %s", what, error)
        if self._trouble is None:
            self._trouble = (self._clock(), error)
