"""The farm's loop: observe, decide, act.

It knows nothing that is not in the store or heard from the runtime, so it may die at any instant:
another one goes on from the last commit. Deciding is `decide`'s; this only looks and does.
"""

import logging
import time
from collections.abc import Callable

from bodyswap.errors import BodyswapError, ConsentError, IntegrityError
from cluster.commit import grant, read_commit
from cluster.decide import Action, Enter, Fail, MakePlan, Publish, Snapshot, Start, decide
from cluster.failures import Failure, classify
from cluster.job import JobState, Stage
from cluster.journal import Entry, Journal
from cluster.keys import QUEUE, JobKeys, job_of_marker
from cluster.lease import Lease
from cluster.ledger import Ledger, last_word
from cluster.observe import observe_job, read_plan
from cluster.order import Done, Order, Progressed, Report
from cluster.plan import make_plan
from cluster.progress import JobStatus
from cluster.publish import publish
from cluster.record import to_json
from cluster.runtime import Runtime
from cluster.store import Store

OnStatus = Callable[[JobStatus], None]

_STEP_S = 0.2
_PROGRESS_EVERY_S = 1.0
_QUEUE_EVERY_S = 1.0

_log = logging.getLogger(__name__)


class Controller:
    """Drives jobs of `store` to their end on the workers of `runtime`.

    `on_status` hears of every job in hand, a few times a second. `clock` tells seconds since 1970.
    """

    def __init__(
        self,
        *,
        store: Store,
        runtime: Runtime,
        on_status: OnStatus | None = None,
        clock: Callable[[], float] = time.time,
        name: str = "controller",
    ) -> None:
        self._store = store
        self._runtime = runtime
        self._on_status = on_status
        self._clock = clock
        self._name = name
        self._ledgers: dict[str, Ledger] = {}
        self._told: dict[str, tuple[float, JobStatus]] = {}

    def run_until_final(self, job: str) -> JobStatus:
        """Work on `job` alone until it is published or failed.

        Raises:
            StoreError: there is no such job, or the store failed; calling again goes on.
        """
        ledger = self._adopt(job)
        while not ledger.is_final:
            self.step()
        self._forget(job)
        return ledger.status(self._clock())

    def serve(self, should_stop: Callable[[], bool]) -> None:
        """Work on every job that is or comes into the queue, until told to stop."""
        looked_at_s = float("-inf")
        while not should_stop():
            if self._clock() >= looked_at_s + _QUEUE_EVERY_S:
                looked_at_s = self._clock()
                self._take_queue()
            self.step()

    def step(self, timeout_s: float = _STEP_S) -> None:
        """Hear what the workers say, and do what follows from it."""
        for report in self._runtime.poll(timeout_s):
            self._hear(report)
        for action in decide(self._snapshot()):
            self._act(action)
        for ledger in list(self._ledgers.values()):
            self._tell(ledger)

    def _adopt(self, job: str) -> Ledger:
        # Markers are listed before the journal is read: one put later belongs to a later life.
        markers = tuple(key for key in self._store.list_keys(QUEUE) if job_of_marker(key) == job)
        ledger = Ledger(observe_job(self._store, job), markers)
        self._ledgers[job] = ledger
        if ledger.is_final:
            self._recall_end(ledger)
            self._leave_queue(ledger)
        return ledger

    def _forget(self, job: str) -> None:
        del self._ledgers[job]
        self._told.pop(job, None)

    def _take_queue(self) -> None:
        for job in [job for job, ledger in self._ledgers.items() if ledger.is_final]:
            self._forget(job)
        for marker in self._store.list_keys(QUEUE):
            job = job_of_marker(marker)
            if job not in self._ledgers:
                try:
                    self._adopt(job)
                except BodyswapError as error:
                    _log.warning("job %s is left in the queue: %s", job, error)

    def _snapshot(self) -> Snapshot:
        ledgers = sorted(self._ledgers.values(), key=lambda ledger: ledger.markers[:1])
        return Snapshot(
            now_s=self._clock(),
            jobs=tuple(ledger.view for ledger in ledgers),
            idle_workers=self._runtime.idle_workers,
        )

    def _hear(self, report: Report) -> None:
        lease = report.lease
        ledger = self._ledgers.get(lease.job)
        if ledger is None:
            return
        if isinstance(report, Progressed):
            ledger.progressed(lease, report.frames_done)
            return
        # Whatever the report says, the store knows: a worker may die right after its commit.
        commit = read_commit(self._store, lease.job, lease.shard)
        if commit is not None:
            ledger.committed(commit)
        elif isinstance(report, Done):
            lost = IntegrityError(f"the commit of {lease.shard} is gone from the store")
            self._fail_attempt(
                ledger, lease, classify(lost, worker=lease.worker, at_s=self._clock())
            )
        else:
            self._fail_attempt(ledger, lease, report.failure)

    def _fail_attempt(self, ledger: Ledger, lease: Lease, failure: Failure) -> None:
        ledger.failed(lease, failure)
        self._write(
            ledger,
            Entry(
                state=ledger.view.state,
                at_s=failure.at_s,
                by=self._name,
                why=failure.message,
                shard=lease.shard,
                failure=failure,
            ),
        )

    def _act(self, action: Action) -> None:
        ledger = self._ledgers[action.job]
        match action:
            case MakePlan():
                self._plan(ledger)
            case Enter():
                self._enter(ledger, action.state)
            case Start():
                self._start(ledger, action)
            case Publish():
                self._publish(ledger)
            case Fail():
                self._fail(ledger, action)

    def _plan(self, ledger: Ledger) -> None:
        plan = make_plan(ledger.view.spec, workers=len(self._runtime.workers))
        if not self._store.put_if_absent(JobKeys(job=ledger.job).plan, to_json(plan)):
            plan = read_plan(self._store, ledger.job) or plan
        ledger.planned(plan)
        if ledger.view.state.may_become(JobState.PLANNED):
            self._enter(ledger, JobState.PLANNED)

    def _start(self, ledger: Ledger, action: Start) -> None:
        standing = read_commit(self._store, action.job, action.shard)
        if standing is not None:
            ledger.committed(standing)
            return
        lease = grant(
            self._store,
            job=action.job,
            shard=action.shard,
            epoch=ledger.next_epoch(action.shard),
            worker=action.worker,
        )
        ledger.started(lease)
        order = Order(spec=ledger.view.spec, lease=lease, inputs=action.inputs)
        self._runtime.start(action.worker, order)

    def _publish(self, ledger: Ledger) -> None:
        of = {
            stage: tuple(view.commit for view in ledger.view.of(stage) if view.commit)
            for stage in Stage
        }
        assembled = of[Stage.ASSEMBLE][0]
        try:
            publish(
                self._store,
                ledger.view.spec,
                solved=of[Stage.SOLVE][0],
                rendered=of[Stage.RENDER],
                assembled=assembled,
            )
        except ConsentError as error:
            failure = classify(error, worker=self._name, at_s=self._clock())
            self._fail(ledger, Fail(job=ledger.job, shard=assembled.lease.shard, failure=failure))
            return
        ledger.published()

    def _enter(self, ledger: Ledger, state: JobState) -> None:
        ledger.entered(state)
        self._write(ledger, Entry(state=state, at_s=self._clock(), by=self._name))
        if state.is_final:
            self._leave_queue(ledger)

    def _fail(self, ledger: Ledger, action: Fail) -> None:
        attempts = next(
            len(view.failures) for view in ledger.view.shards if view.shard == action.shard
        )
        why = last_word(action.shard, action.failure, attempts)
        ledger.entered(JobState.FAILED, why, action.failure.exit_code)
        self._write(
            ledger,
            Entry(
                state=JobState.FAILED,
                at_s=self._clock(),
                by=self._name,
                why=why,
                shard=action.shard,
                failure=action.failure,
            ),
        )
        self._leave_queue(ledger)

    def _write(self, ledger: Ledger, entry: Entry) -> None:
        Journal(self._store, ledger.job).append(entry)

    def _recall_end(self, ledger: Ledger) -> None:
        entry = Journal(self._store, ledger.job).latest()
        if entry is not None and entry.failure is not None:
            ledger.recall(entry.why, entry.failure.exit_code)

    def _leave_queue(self, ledger: Ledger) -> None:
        for marker in ledger.markers:
            self._store.delete(marker)

    def _tell(self, ledger: Ledger) -> None:
        now_s = self._clock()
        status = ledger.status(now_s)
        if self._on_status is not None:
            self._on_status(status)
        told_s, told = self._told.get(ledger.job, (now_s, None))
        is_due = (
            now_s >= told_s + _PROGRESS_EVERY_S or told is None or status.state is not told.state
        )
        if is_due and status != told:
            self._store.put(JobKeys(job=ledger.job).progress, to_json(status))
            self._told[ledger.job] = (now_s, status)
