"""What a worker is told, and what is heard of it, with the figures it measured.

It does not know how either travels. Only these values and store keys cross between processes.
"""

from dataclasses import dataclass, replace
from functools import cached_property

from bodyswap.config import RenderSettings
from cluster.jobs.commit import Commit, Outcome
from cluster.jobs.failures import Failure
from cluster.jobs.figures import Figures
from cluster.jobs.job import JobSpec
from cluster.jobs.lease import Lease


@dataclass(frozen=True, kw_only=True)
class Order:
    """Do the lease's shard of this job, from these commits (see `JobView.inputs_of`)."""

    spec: JobSpec
    lease: Lease
    inputs: tuple[Commit, ...]
    batch_divisor: int = 1

    @cached_property
    def settings(self) -> RenderSettings:
        """The job's, with batches made smaller where memory ran out before."""
        shard = self.lease.shard
        settings = self.spec.settings_for(shard.stage, shard.frames)
        batch_frames = max(1, settings.pose.batch_frames // self.batch_divisor)
        return replace(settings, pose=replace(settings.pose, batch_frames=batch_frames))


@dataclass(frozen=True, kw_only=True)
class Progressed:
    """The attempt has finished this many frames so far."""

    lease: Lease
    frames_done: int
    figures: Figures | None = None


@dataclass(frozen=True, kw_only=True)
class Done:
    """The attempt is over, and the shard has a commit: this one's, or another's."""

    lease: Lease
    outcome: Outcome
    figures: Figures | None = None


@dataclass(frozen=True, kw_only=True)
class Failed:
    """The attempt is over without a commit of its own."""

    lease: Lease
    failure: Failure
    figures: Figures | None = None


@dataclass(frozen=True, kw_only=True)
class HandedBack:
    """The attempt was given up for no fault of anybody's: its worker had to leave."""

    lease: Lease
    figures: Figures | None = None


Report = Progressed | Done | Failed | HandedBack
Ending = Done | Failed | HandedBack
