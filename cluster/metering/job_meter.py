"""What happened to one job between two looks at it, put into the farm's metrics.

It does not know how the looks are taken. What a job brings along when it is first seen happened
before, and is not counted again.
"""

from collections import Counter
from datetime import UTC, datetime
from typing import Protocol

from cluster.jobs.failures import Verdict
from cluster.jobs.job import JobSpec, JobState, Stage
from cluster.jobs.lease import Lease
from cluster.jobs.progress import JobStatus
from cluster.jobs.snapshot import JobView, ShardView
from cluster.jobs.trace_id import trace_of
from cluster.metering.metrics import Meters

_HALF = 0.5


class Tracer(Protocol):
    """Who is told of what is over, if anybody: see `tracing`."""

    def attempt(self, lease: Lease, began_s: float, ended_s: float, outcome: str) -> None: ...

    def job(self, spec: JobSpec, began_s: float, ended_s: float, state: JobState) -> None: ...


class JobMeter:
    """Remembers the last look at one job."""

    def __init__(
        self, view: JobView, meters: Meters, now_s: float, tracer: Tracer | None = None
    ) -> None:
        self._meters, self._tracer = meters, tracer
        self._spec = view.spec
        self._state = view.state
        self._views = view.shards
        self._is_begun = any(each.commit is not None for each in view.shards)
        self._given_up = {each.shard for each in view.condemned}
        # What is held already when it is first seen began no earlier, as far as is known.
        self._held = {each.lease.shard: (each.lease, now_s) for each in view.held}
        self.shard_states = Counter(map(_state, view.shards))
        self._guess: tuple[Stage, float, float] | None = None
        self._ignored = Counter[str]()
        self.last_commit_at_s: float | None = None
        self.seen_at_s = now_s

    @property
    def is_untouched(self) -> bool:
        """True where nobody has begun it, and it is there to be begun."""
        is_waiting = not self._state.is_final and self._state is not JobState.PAUSED
        return is_waiting and not self._is_begun and not self._held

    @property
    def submitted_at_s(self) -> float | None:
        return submitted_at_s(self._spec)

    def look(self, view: JobView, now_s: float) -> None:
        """Count what is new."""
        self.seen_at_s = now_s
        self._state = view.state
        if view.shards is self._views:
            return
        if len(view.shards) != len(self._views):
            # It was planned, or split: nothing of its new shards has happened yet.
            known = {each.shard: each for each in self._views}
            self._views = tuple(
                known.get(each.shard, ShardView(shard=each.shard)) for each in view.shards
            )
            self.shard_states = Counter(map(_state, self._views))
        # A farm has very many shards, and few of them are another than at the last look.
        for before, each in zip(self._views, view.shards, strict=True):
            if each is not before:
                self._look_at_shard(before, each, now_s)
        self._views = view.shards

    def begin(self, lease: Lease, now_s: float) -> None:
        """A worker was given the lease; it may be over again before the next look."""
        self._held[lease.shard] = (lease, now_s)

    def hear(self, status: JobStatus, now_s: float) -> bool:
        """Take in how far the job says it is; True where it has come to its end by this."""
        self._check_guess(status, now_s)
        for kind, count in (("repeated", status.reports_repeated), ("stale", status.reports_stale)):
            # Fewer than before: the job was let go and taken up again meanwhile.
            before = self._ignored[kind] if self._ignored[kind] <= count else 0
            self._meters.add("reports_ignored", count - before, kind)
            self._ignored[kind] = count
        if not status.state.is_final or self._state.is_final:
            return False
        self._state = status.state
        self._meters.add("jobs_ended", 1, self._project, status.state)
        if self._tracer is not None:
            self._tracer.job(self._spec, self.submitted_at_s or now_s, now_s, status.state)
        return True

    @property
    def _project(self) -> str:
        return self._meters.project(self._spec.project)

    def _look_at_shard(self, before: ShardView, view: ShardView, now_s: float) -> None:
        shard = view.shard
        self.shard_states[_state(before)] -= 1
        self.shard_states[_state(view)] += 1
        for failure in view.failures[len(before.failures) :]:
            self._meters.add("attempts_failed", 1, shard.stage, failure.cause)
        if view.commit is not None and before.commit is None:
            self._commit(view, now_s)
        lease, began_s = self._held.get(shard, (None, now_s))
        if lease is not None and (view.held is None or view.held.lease != lease):
            del self._held[shard]
            self._over(lease, view, began_s, now_s)
        is_given_up = view.is_waiting and view.verdict is Verdict.QUARANTINE
        if is_given_up and shard not in self._given_up:
            self._given_up.add(shard)
            self._meters.add("shards_quarantined", 1, shard.stage)

    def _commit(self, view: ShardView, now_s: float) -> None:
        shard, trace = view.shard, trace_of(self._spec.job)
        submitted_at_s = self.submitted_at_s
        if not self._is_begun and submitted_at_s is not None:
            self._meters.observe(
                "submit_to_first_commit_seconds", max(0.0, now_s - submitted_at_s), self._project,
                trace=trace,
            )  # fmt: skip
        self._is_begun = True
        self._meters.add("shards_committed", 1, shard.stage)
        self.last_commit_at_s = now_s
        work_s = view.commit.work_s if view.commit else None
        if work_s is not None:
            a_frame_s = work_s / len(shard.frames)
            self._meters.observe("shard_seconds", work_s, shard.stage, trace=trace)
            self._meters.observe("frame_seconds", a_frame_s, shard.stage, trace=trace)

    def _over(self, lease: Lease, view: ShardView, began_s: float, now_s: float) -> None:
        """An attempt is over: unless its commit stands, its time was for nothing."""
        commit = view.commit
        outcome = "retry" if commit is None else "fenced"
        if commit is not None and commit.lease == lease:
            outcome = "committed"
        elif self._state is JobState.CANCELLED:
            outcome = "cancelled"
        if outcome == "fenced":
            self._meters.add("commits_fenced", 1, lease.shard.stage)
        if outcome != "committed":
            self._meters.add("wasted_seconds", now_s - began_s, outcome)
        if self._tracer is not None:
            self._tracer.attempt(lease, began_s, now_s, outcome)

    def _check_guess(self, status: JobStatus, now_s: float) -> None:
        """Half way through a stage, keep what time is said to be left; at its end, compare."""
        if self._guess is not None and status.stage is not self._guess[0]:
            stage, at_s, left_s = self._guess
            self._guess = None
            came_to_s = now_s - at_s
            if not (status.state.is_final and status.exit_code) and came_to_s > 0:
                error = abs(left_s - came_to_s) / came_to_s
                self._meters.observe("eta_error_ratio", error, stage)
        is_half_way = status.frames_done >= _HALF * status.frames_total > 0
        if self._guess is None and status.stage and status.eta_s and is_half_way:
            self._guess = (status.stage, now_s, status.eta_s)


def _state(view: ShardView) -> tuple[str, ...]:
    """The shard's stage, and whether it waits, runs or is committed."""
    if view.commit is not None:
        return str(view.shard.stage), "committed"
    return str(view.shard.stage), "running" if view.held is not None else "waiting"


def submitted_at_s(spec: JobSpec) -> float | None:
    """When the job was submitted, in seconds since 1970; None where it does not say."""
    if not spec.submitted_at:
        return None
    when = datetime.strptime(spec.submitted_at, "%Y%m%dT%H%M%S.%fZ")
    return when.replace(tzinfo=UTC).timestamp()
