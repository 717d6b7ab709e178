"""How far a job is, as a person wants to hear it, and how fast it goes.

It does not know where the figures come from.
"""

from collections import deque
from dataclasses import dataclass

from cluster.jobs.costs import Account
from cluster.jobs.job import JobState, Stage

_WINDOW_S = 20.0


@dataclass(frozen=True, kw_only=True)
class JobStatus:
    """A job's state; shards, frames, rate and time left are those of its present `stage`.

    `exit_code` is 0 until the job failed; then it is the failure's own (see `bodyswap.errors`).
    `account` is what it has cost, for whoever asks of one job.
    """

    job: str
    state: JobState
    stage: Stage | None = None
    shards_done: int = 0
    shards_total: int = 0
    frames_done: int = 0
    frames_total: int = 0
    frames_per_s: float | None = None
    eta_s: float | None = None
    message: str = ""
    exit_code: int = 0
    account: Account | None = None
    shards_reused: int = 0
    """Of all stages: taken over from other jobs."""
    reports_repeated: int = 0
    """Heard once more after the end of their attempt had been heard; they change nothing."""
    reports_stale: int = 0
    """Of attempts that this farm did not hold, such as another controller's; nor do they."""


@dataclass(frozen=True, kw_only=True)
class StageProgress:
    """How much of one stage is committed."""

    stage: Stage
    shards_done: int
    shards_total: int
    frames_done: int
    frames_total: int


@dataclass(frozen=True, kw_only=True)
class JobProgress:
    """A job's status, and every stage it goes through; none before it is planned."""

    status: JobStatus
    stages: tuple[StageProgress, ...] = ()


@dataclass(frozen=True, kw_only=True)
class JobSummary:
    """A job in a list: whose it is, and how far."""

    job: str
    name: str
    project: str
    priority: int
    submitted_by: str
    submitted_at: str
    status: JobStatus

    @property
    def state(self) -> JobState:
        return self.status.state


class Pace:
    """Frames a second over the last while of one stage."""

    def __init__(self) -> None:
        self._stage: Stage | None = None
        self._points: deque[tuple[float, int]] = deque()

    def measure(self, stage: Stage | None, now_s: float, frames_done: int) -> float | None:
        """The rate up to now; None until it can be told. A shard begun again may lower it to 0."""
        if stage is not self._stage:
            self._stage = stage
            self._points.clear()
        self._points.append((now_s, frames_done))
        while self._points[0][0] < now_s - _WINDOW_S:
            self._points.popleft()
        start_s, start_frames = self._points[0]
        if now_s <= start_s or frames_done <= start_frames:
            return None
        return (frames_done - start_frames) / (now_s - start_s)
