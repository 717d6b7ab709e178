"""What happened to one job between two looks at it, put into the farm's metrics.

It does not know how the looks are taken. What a job brings along when it is first seen happened
before, and is not counted again.
"""

from datetime import UTC, datetime

from cluster.failures import Failure, Verdict
from cluster.job import JobSpec, JobState, Stage
from cluster.lease import Lease
from cluster.metrics import Meters
from cluster.plan import Shard
from cluster.progress import JobStatus
from cluster.snapshot import JobView, ShardView
from cluster.trace_id import trace_of

_HALF = 0.5


class JobMeter:
    """Remembers the last look at one job."""

    def __init__(self, view: JobView, meters: Meters, now_s: float) -> None:
        self._meters = meters
        self._spec = view.spec
        self._state = view.state
        self._committed = {each.shard for each in view.shards if each.commit is not None}
        self._failures = {each.shard: each.failures for each in view.shards}
        self._given_up = {each.shard for each in view.condemned}
        self._held: dict[Lease, float] = {}
        self._guess: tuple[Stage, float, float] | None = None
        self.last_commit_at_s: float | None = None
        self.seen_at_s = now_s

    @property
    def is_untouched(self) -> bool:
        """True where nobody has begun it, and it is there to be begun."""
        is_waiting = not self._state.is_final and self._state is not JobState.PAUSED
        return is_waiting and not self._committed and not self._held

    @property
    def submitted_at_s(self) -> float | None:
        return submitted_at_s(self._spec)

    def look(self, view: JobView, now_s: float) -> None:
        """Count what is new."""
        self.seen_at_s = now_s
        self._state = view.state
        held = {each.held.lease for each in view.shards if each.held is not None}
        for each in view.shards:
            self._look_at_shard(each, now_s)
        by_shard = {each.shard: each for each in view.shards}
        for lease in set(self._held) - held:
            self._over(lease, by_shard.get(lease.shard), now_s - self._held.pop(lease))
        for lease in held - set(self._held):
            self._held[lease] = now_s

    def hear(self, status: JobStatus, now_s: float) -> bool:
        """Take in how far the job says it is; True where it has come to its end by this."""
        self._check_guess(status, now_s)
        if not status.state.is_final or self._state.is_final:
            return False
        self._state = status.state
        self._meters.add("jobs_ended", 1, self._project, status.state)
        return True

    @property
    def _project(self) -> str:
        return self._meters.project(self._spec.project)

    def _look_at_shard(self, view: ShardView, now_s: float) -> None:
        shard = view.shard
        known = self._failures.get(shard, ())
        if view.failures is not known:
            self._failures[shard] = view.failures
            for failure in view.failures[len(known) :]:
                self._failed(shard, failure)
        if view.commit is not None and shard not in self._committed:
            self._commit(view, now_s)
        is_given_up = view.is_waiting and view.verdict is Verdict.QUARANTINE
        if is_given_up and shard not in self._given_up:
            self._given_up.add(shard)
            self._meters.add("shards_quarantined", 1, shard.stage)

    def _failed(self, shard: Shard, failure: Failure) -> None:
        self._meters.add("attempts_failed", 1, shard.stage, failure.cause)

    def _commit(self, view: ShardView, now_s: float) -> None:
        shard, trace = view.shard, trace_of(self._spec.job)
        submitted_at_s = self.submitted_at_s
        if not self._committed and submitted_at_s is not None:
            self._meters.observe(
                "submit_to_first_commit_seconds", max(0.0, now_s - submitted_at_s), self._project,
                trace=trace,
            )  # fmt: skip
        self._committed.add(shard)
        self._meters.add("shards_committed", 1, shard.stage)
        self.last_commit_at_s = now_s
        work_s = view.commit.work_s if view.commit else None
        if work_s is not None:
            a_frame_s = work_s / len(shard.frames)
            self._meters.observe("shard_seconds", work_s, shard.stage, trace=trace)
            self._meters.observe("frame_seconds", a_frame_s, shard.stage, trace=trace)

    def _over(self, lease: Lease, view: ShardView | None, seconds: float) -> None:
        """An attempt is over: unless its commit stands, its time was for nothing."""
        commit = view.commit if view else None
        if commit is not None and commit.lease == lease:
            return
        if commit is not None:
            self._meters.add("commits_fenced", 1, lease.shard.stage)
        cause = "retry" if commit is None else "fenced"
        if self._state is JobState.CANCELLED:
            cause = "cancelled"
        self._meters.add("wasted_seconds", seconds, cause)

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


def submitted_at_s(spec: JobSpec) -> float | None:
    """When the job was submitted, in seconds since 1970; None where it does not say."""
    if not spec.submitted_at:
        return None
    when = datetime.strptime(spec.submitted_at, "%Y%m%dT%H%M%S.%fZ")
    return when.replace(tzinfo=UTC).timestamp()
