"""Who works on a shard, for the how-manieth time, and whether anything comes of it.

Pure: `commit.grant` is what writes a lease down.
"""

from dataclasses import dataclass, replace

from cluster.jobs.job import Stage
from cluster.jobs.plan import Shard

STALLED_AFTER_S = 180.0
"""No frame for so long, and the worker is thought stuck."""

SILENT_UNTIL_S = 1800.0
"""What a stage that counts no frames may take, and the loading of models before a first frame."""

CONFIRM_WITHIN_S = 60.0
"""A worker that was told to stop and is not known to be gone by then is out of reach."""


@dataclass(frozen=True, kw_only=True)
class Lease:
    """One worker's claim on one shard. Epochs of a shard count from 1 and are never reused."""

    job: str
    shard: Shard
    epoch: int
    worker: str

    @property
    def attempt(self) -> str:
        """The folder this lease's data goes to, like no other lease's."""
        return f"{self.epoch:04d}-{self.worker}"


@dataclass(frozen=True, kw_only=True)
class Held:
    """A lease under work, as far as it was heard of. Progress is what keeps it, not a sign of life.

    `stop_asked_at_s` is when its worker was told to stop.
    """

    lease: Lease
    advanced_at_s: float
    frames_done: int = 0
    stop_asked_at_s: float | None = None

    def heard(self, frames_done: int, now_s: float) -> "Held":
        """The same after a word from the worker."""
        if frames_done <= self.frames_done:
            return self
        return replace(self, frames_done=frames_done, advanced_at_s=now_s)

    def is_stalled(self, now_s: float) -> bool:
        """True where frames have stopped advancing for too long."""
        counts_frames = self.lease.shard.stage in (Stage.POSE, Stage.RENDER)
        patience_s = STALLED_AFTER_S if counts_frames and self.frames_done else SILENT_UNTIL_S
        return now_s - self.advanced_at_s > patience_s

    def is_out_of_reach(self, now_s: float) -> bool:
        """True where its worker should have been gone by now."""
        asked_s = self.stop_asked_at_s
        return asked_s is not None and now_s - asked_s > CONFIRM_WITHIN_S
