"""One job as the controller knows it between two looks at the store.

It does not decide, and writes nothing: all in it but the leases at work can be rebuilt by
`observe`.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from cluster.jobs.commit import Commit
from cluster.jobs.failures import Cause, Failure
from cluster.jobs.job import JobState, Stage
from cluster.jobs.journal import Entry, amended
from cluster.jobs.lease import Held, Lease
from cluster.jobs.observe import Observed
from cluster.jobs.plan import Plan, Shard
from cluster.jobs.progress import JobStatus, Pace
from cluster.jobs.snapshot import JobView, ShardView

_FRAME_STAGES = (Stage.POSE, Stage.RENDER)


class Ledger:
    """The job's view, kept up to date, and the progress of what is running."""

    def __init__(self, observed: Observed, markers: tuple[str, ...]) -> None:
        self.markers = markers
        self.looks = 0
        """How often all of it was taken from the store."""
        self._ended: dict[Shard, Lease] = {}
        self._ignored = Counter[bool]()
        self._epochs: dict[Shard, int] = {}
        self._pace = Pace()
        self._message = ""
        self._exit_code = 0
        self._view: JobView | None = None
        self._take(observed)

    def observed_again(self, observed: Observed) -> None:
        """Take over what the store says now.

        What is under work stays so, committed or not: its worker is not free before it says so.
        """
        before = self.view.held
        self._take(observed)
        for held in before:
            if held.lease.shard in self._shards:
                self._hold(held)

    @property
    def job(self) -> str:
        return self._head.spec.job

    @property
    def state(self) -> JobState:
        return self._head.state

    @property
    def is_final(self) -> bool:
        return self._head.state.is_final

    @property
    def view(self) -> JobView:
        """The job as it is known now."""
        if self._view is None:
            self._view = replace(self._head, shards=tuple(self._shards.values()))
        return self._view

    def next_epoch(self, shard: Shard) -> int:
        return self._epochs.get(shard, 0) + 1

    def held(self, lease: Lease) -> Held | None:
        """What is known of the lease, if it is the one that its shard is under work by."""
        view = self._shards.get(lease.shard)
        held = view.held if view else None
        return held if held is not None and held.lease == lease else None

    def planned(self, plan: Plan) -> None:
        self._shards = {shard: ShardView(shard=shard) for shard in plan.all_shards}
        self._set_head(replace(self._head, plan=plan))

    def _planned_anew(self, plan: Plan) -> None:
        """Keep the shards that are as they were; the others have not been begun."""
        before = self._shards
        self._shards = {
            shard: before.get(shard, ShardView(shard=shard)) for shard in plan.all_shards
        }
        self._set_head(replace(self._head, plan=plan))

    def published(self) -> None:
        self._set_head(replace(self._head, is_published=True))

    def wrote(self, entry: Entry) -> None:
        """Take over what was just appended to the job's journal."""
        self.journal_length += 1
        if entry.request:
            self.answered |= {entry.request}
        for shard in [shard for shard in self._shards if shard.name in entry.retried]:
            self._change(shard, lambda view: replace(view, failures=()))
        if (entry.again or entry.split) and self._head.plan is not None:
            self._planned_anew(amended(self._head.plan, [entry]))
        if entry.priority is not None:
            self._set_head(replace(self._head, priority=entry.priority))
        if entry.state is not self._head.state:
            self._set_head(replace(self._head, state=entry.state))
            self._recall(entry)

    def started(self, lease: Lease, now_s: float) -> None:
        self._epochs[lease.shard] = lease.epoch
        self._hold(Held(lease=lease, advanced_at_s=now_s))

    def progressed(self, lease: Lease, frames_done: int, now_s: float) -> None:
        held = self.held(lease)
        if held is not None:
            self._hold(held.heard(frames_done, now_s))

    def ignored(self, lease: Lease) -> None:
        """Count a report of a lease that is held no longer, or was never held here."""
        self._ignored[self._ended.get(lease.shard) == lease] += 1

    def stopping(self, lease: Lease, now_s: float) -> None:
        held = self.held(lease)
        if held is not None:
            self._hold(replace(held, stop_asked_at_s=now_s))

    def committed(self, commit: Commit) -> None:
        self._end(commit.lease.shard)
        self._change(commit.lease.shard, lambda view: replace(view, held=None, commit=commit))
        if commit.cuts and self._head.plan is not None:
            self._planned_anew(self._head.plan.around(commit.cuts))

    def released(self, lease: Lease) -> None:
        self._end(lease.shard)
        self._change(lease.shard, lambda view: replace(view, held=None))

    def failed(self, lease: Lease, failure: Failure) -> None:
        self._end(lease.shard)
        shard = lease.shard.numbered(self._head.spec.plate.first_number)
        self._message = f"{shard} failed on {failure.worker}: {failure.message}"
        self._change(
            lease.shard,
            lambda view: replace(view, held=None, failures=(*view.failures, failure)),
        )

    @property
    def exit_code(self) -> int:
        """What the job ended with; 0 while it goes on."""
        return self._exit_code

    def status(self, now_s: float) -> JobStatus:
        """How far the job is now."""
        view = self.view
        stage = view.stage
        progress = view.progress
        done, total = progress.frames_done, progress.frames_total
        rate = self._pace.measure(stage, now_s, done) if stage in _FRAME_STAGES else None
        if view.state is JobState.PUBLISHED:
            done = total = len(view.spec.frames)
        return JobStatus(
            job=self.job,
            state=view.state,
            stage=stage,
            shards_done=progress.shards_done,
            shards_total=progress.shards_total,
            frames_done=done,
            frames_total=total,
            frames_per_s=rate,
            eta_s=(total - done) / rate if rate else None,
            message=self._message,
            exit_code=self._exit_code,
            shards_reused=progress.shards_reused,
            reports_repeated=self._ignored[True],
            reports_stale=self._ignored[False],
        )

    def _take(self, observed: Observed) -> None:
        self.looks += 1
        self._head = observed.view
        self._shards = {view.shard: view for view in observed.view.shards}
        self._view = observed.view
        self.journal_length = len(observed.entries)
        self.answered = observed.answered
        change = observed.last_change
        if change is not None and self.is_final:
            self._recall(change)

    def _recall(self, entry: Entry) -> None:
        self._message = entry.why
        self._exit_code = entry.failure.exit_code if entry.failure else 0

    def _set_head(self, head: JobView) -> None:
        self._head = head
        self._view = None

    def _end(self, shard: Shard) -> None:
        view = self._shards.get(shard)
        if view is not None and view.held is not None:
            self._ended[shard] = view.held.lease

    def _hold(self, held: Held) -> None:
        self._change(held.lease.shard, lambda view: replace(view, held=held))

    def _change(self, shard: Shard, change: Callable[[ShardView], ShardView]) -> None:
        # Another controller may have had it split or done again since.
        if shard in self._shards:
            self._shards[shard] = change(self._shards[shard])
            self._view = None


def last_word(shard: str, failure: Failure, attempts: int) -> str:
    """Why the job failed, in one line for the person who submitted it."""
    if failure.cause in (Cause.INPUT, Cause.MODEL):
        return failure.message
    times = "once" if attempts == 1 else f"{attempts} times"
    return f"{shard} failed {times}, at last on {failure.worker}: {failure.message}"
