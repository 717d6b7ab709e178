"""Do what was decided about a job: in the store first, then in the ledger and the runtime.

It does not decide. Every act may fail half way, and is then decided anew from what the store says.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from bodyswap.errors import ConsentError, InputError, IntegrityError
from bodyswap.rights.trust import operator_trust
from cluster.delivering.publish import Finished, publish, verify
from cluster.farm.answer import answer
from cluster.farm.decide import (
    Action,
    Divide,
    Enter,
    GiveUp,
    MakePlan,
    Publish,
    Release,
    Start,
    Stop,
)
from cluster.farm.errands import Errands
from cluster.farm.ledger import Ledger, last_word
from cluster.farm.planning import plan_for
from cluster.farm.roster import Roster
from cluster.jobs.commit import Commit, grant, read_commit
from cluster.jobs.control import Wishes
from cluster.jobs.failures import Cause, Failure, classify, death
from cluster.jobs.job import JobSpec, JobState, Stage
from cluster.jobs.journal import Entry, Journal
from cluster.jobs.keys import queue_marker, time_part
from cluster.jobs.lease import Lease
from cluster.jobs.observe import observe_again
from cluster.jobs.order import Order
from cluster.jobs.plan import Plan, Split
from cluster.jobs.results import remember_splits
from cluster.rights.quarantine import quarantine_revoked
from cluster.stores.asker import Answer, Asker
from cluster.stores.store import Store
from cluster.workers.runtime import Runtime

Asked = Plan | Lease | Commit
"""What the store answers before something is done: a plan; a lease, or the commit that is there."""


class Hands:
    """What the controller does things with. `name` is who did it, in the journal.

    What takes long is sent among the `errands`, and looked after whenever it is decided again.
    """

    def __init__(
        self,
        *,
        store: Store,
        runtime: Runtime,
        roster: Roster,
        clock: Callable[[], float],
        name: str,
        reader: Asker,
        errands: Errands,
    ) -> None:
        self._store = store
        self._runtime = runtime
        self._roster = roster
        self._clock = clock
        self._name = name
        self._reader = reader
        self._errands = errands

    def question_of(self, ledger: Ledger, action: Action) -> Answer[Asked] | None:
        """What has to be asked of the store before `action` is done; None where nothing has."""
        match action:
            case MakePlan():
                return partial(plan_for, self._store, ledger.view.spec, self._runtime.capacity)
            case Start():
                return partial(self._lease_for, action, ledger.next_epoch(action.shard))
        return None

    def act(self, ledger: Ledger, action: Action, asked: Answer[Asked] | None = None) -> None:
        """Do `action`; `asked` is the answer to `question_of` it.

        Raises StoreError where the store failed; the ledger may lag behind then.
        """
        match action:
            case MakePlan():
                assert asked is not None, "a job is planned in the store"
                self._plan(ledger, asked())
            case Enter():
                self._write(ledger, Entry(state=action.state, at_s=self._clock(), by=self._name))
            case Divide():
                self._divide(ledger, action)
            case Start():
                assert asked is not None, "a shard is started under a lease"
                self._start(ledger, action, asked())
            case Stop():
                ledger.stopping(action.lease, self._clock())
                self._runtime.stop(action.lease.worker)
            case Release():
                lease = action.lease
                commit = read_commit(self._store, lease.job, lease.shard)
                self.end_attempt(ledger, lease, None, commit)
            case Publish():
                self._publish(ledger)
            case GiveUp():
                self._give_up(ledger, action)

    def _lease_for(self, start: Start, epoch: int) -> Commit | Lease:
        """Ask the store for a lease to start the shard under, or for its commit if it has one."""
        standing = read_commit(self._store, start.job, start.shard)
        return standing or grant(
            self._store, job=start.job, shard=start.shard, epoch=epoch, worker=start.worker
        )

    def end_attempt(
        self, ledger: Ledger, lease: Lease, failure: Failure | None, commit: Commit | None
    ) -> None:
        """The attempt is over: `failure` is what was heard of it, None where nothing was.

        Whatever was heard, the store knows, and has this `commit`: a worker may die right after it.
        """
        held = ledger.held(lease)
        if commit is not None:
            ledger.committed(commit)
            self._roster.committed(commit.lease.worker)
        elif held is not None:
            was_stopped = held.stop_asked_at_s is not None
            if ledger.view.state is JobState.CANCELLED and was_stopped:
                ledger.released(lease)
            else:
                cause = Cause.STALL if was_stopped else Cause.LOST
                if failure is None or was_stopped:
                    evidence = failure.evidence if failure else ""
                    failure = death(
                        worker=lease.worker, at_s=self._clock(), evidence=evidence, cause=cause
                    )
                self._fail_attempt(ledger, lease, failure)

    def hand_back(self, ledger: Ledger, lease: Lease, commit: Commit | None) -> None:
        """The attempt was given up, and nobody is to blame; the shard waits for another worker."""
        if commit is not None:
            ledger.committed(commit)
        else:
            ledger.released(lease)

    def condemn(self, ledger: Ledger, error: InputError | IntegrityError) -> None:
        """End a job of which the store holds something damaged, or whose consent is gone."""
        if ledger.view.state.may_become(JobState.FAILED):
            failure = classify(error, worker=self._name, at_s=self._clock())
            self._end(ledger, JobState.FAILED, failure.message, failure)

    def reload(self, ledger: Ledger) -> None:
        """Look at the store again for all that it says of the job."""
        ledger.observed_again(observe_again(self._store, ledger.view.spec, self._reader))

    def answer_requests(self, ledger: Ledger, wishes: Wishes) -> None:
        """Do what people have asked of the job since, each wish once."""
        for key, request in wishes:
            was_final = ledger.is_final
            # Where the write is refused, this ledger has read the journal again; and a later wish
            # must not be answered before this one, unless another controller has answered it.
            while key not in ledger.answered:
                was_final = ledger.is_final
                self._write(ledger, answer(request, key, ledger.view, self._clock()))
            if was_final and not ledger.is_final:
                marker = queue_marker(ledger.view.spec, time_part(self._clock()))
                self._store.put(marker, b"")
                ledger.markers = (*ledger.markers, marker)

    def leave_queue(self, ledger: Ledger) -> None:
        """The job is final. What it made on a consent that is gone is put out of reach first."""
        if ledger.exit_code == ConsentError.exit_code and not self._errands.is_done(
            ledger.job, "quarantine", partial(self._quarantine, ledger.view.spec)
        ):
            return
        for marker in ledger.markers:
            self._store.delete(marker)
        ledger.markers = ()

    def _plan(self, ledger: Ledger, plan: Asked) -> None:
        assert isinstance(plan, Plan), "what was asked was the plan"
        ledger.planned(plan)
        if ledger.view.state.may_become(JobState.PLANNED):
            entry = Entry(state=JobState.PLANNED, at_s=self._clock(), by=self._name)
            self._write(ledger, entry)

    def _divide(self, ledger: Ledger, action: Divide) -> None:
        standing = read_commit(self._store, action.job, action.shard)
        if standing is not None:
            ledger.committed(standing)
        if standing is not None or not ledger.view.state.may_become(JobState.ASSEMBLING):
            return
        entry = Entry(
            state=ledger.view.state,
            at_s=self._clock(),
            by=self._name,
            why=f"{action.shard.name} is done as {len(action.at) + 1}: workers are free for it",
            split=Split(index=action.shard.index, at=action.at),
        )
        if self._write(ledger, entry) and ledger.view.plan is not None:
            remember_splits(self._store, ledger.view.spec, ledger.view.plan)

    def _start(self, ledger: Ledger, action: Start, lease: Asked) -> None:
        if isinstance(lease, Commit):
            ledger.committed(lease)
            return
        assert isinstance(lease, Lease), "what was asked was a lease"
        spec = ledger.view.spec
        ledger.started(lease, self._clock())
        self._roster.started(lease, spec.subject.digest)
        order = Order(
            spec=spec, lease=lease, inputs=action.inputs, batch_divisor=action.batch_divisor
        )
        self._runtime.start(action.worker, order)

    def _publish(self, ledger: Ledger) -> None:
        of = {
            stage: tuple(view.commit for view in ledger.view.of(stage) if view.commit)
            for stage in Stage
        }
        done = Finished(
            solved=of[Stage.SOLVE][0], rendered=of[Stage.RENDER], assembled=of[Stage.ASSEMBLE][0]
        )
        release = partial(self._release, ledger.view.spec, done)
        if self._errands.is_done(ledger.job, "release", release):
            ledger.published()

    def _release(self, spec: JobSpec, done: Finished, asker: Asker) -> None:
        verify(self._store, spec, done, asker)
        publish(self._store, spec, done, asker)

    def _quarantine(self, spec: JobSpec, asker: Asker) -> None:
        trust, now_s = operator_trust(), self._clock()
        quarantine_revoked(self._store, spec, trust, asker, by=self._name, now_s=now_s)

    def _give_up(self, ledger: Ledger, action: GiveUp) -> None:
        attempts = next(
            len(view.failures) for view in ledger.view.shards if view.shard == action.shard
        )
        shard = action.shard.numbered(ledger.view.spec.plate.first_number)
        why = last_word(shard, action.failure, attempts)
        self._end(ledger, action.state, why, action.failure)

    def _end(self, ledger: Ledger, state: JobState, why: str, failure: Failure) -> None:
        entry = Entry(state=state, at_s=self._clock(), by=self._name, why=why, failure=failure)
        self._write(ledger, entry)

    def _fail_attempt(self, ledger: Ledger, lease: Lease, failure: Failure) -> None:
        # By this clock: the worker's may be wrong, and pauses are counted from here.
        failure = replace(failure, at_s=self._clock())
        entry = Entry(
            state=ledger.view.state,
            at_s=failure.at_s,
            by=self._name,
            why=failure.message,
            shard=lease.shard,
            failure=failure,
        )
        while not self._write(ledger, entry):
            entry = replace(entry, state=ledger.view.state)
        ledger.failed(lease, failure)
        self._roster.failed(lease, failure.cause, failure.at_s)

    def _write(self, ledger: Ledger, entry: Entry) -> bool:
        """Append `entry`, unless somebody else wrote since the ledger was read: then read again."""
        if Journal(self._store, ledger.job).append_at(ledger.journal_length, entry):
            ledger.wrote(entry)
            return True
        self.reload(ledger)
        return False
