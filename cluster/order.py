"""What a worker is told, and what is heard of it.

It does not know how either travels. Only these values and store keys cross between processes.
"""

from dataclasses import dataclass

from cluster.commit import Commit, Outcome
from cluster.failures import Failure
from cluster.job import JobSpec
from cluster.lease import Lease


@dataclass(frozen=True, kw_only=True)
class Order:
    """Do the lease's shard of this job, from these commits (see `decide.inputs_of`)."""

    spec: JobSpec
    lease: Lease
    inputs: tuple[Commit, ...]


@dataclass(frozen=True, kw_only=True)
class Progressed:
    """The attempt has finished this many frames so far."""

    lease: Lease
    frames_done: int


@dataclass(frozen=True, kw_only=True)
class Done:
    """The attempt is over, and the shard has a commit: this one's, or another's."""

    lease: Lease
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class Failed:
    """The attempt is over without a commit of its own."""

    lease: Lease
    failure: Failure


Report = Progressed | Done | Failed
Ending = Done | Failed
