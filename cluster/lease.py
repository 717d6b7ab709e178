"""Who works on a shard, and for the how-manieth time.

Pure: `commit.grant` is what writes a lease down.
"""

from dataclasses import dataclass

from cluster.plan import Shard


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
