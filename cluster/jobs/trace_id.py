"""The ids that join an event, its job, shards and attempts, in logs and in traces.

Made of what they name, so that whoever knows a job knows its trace, and nothing has to be handed
on. Their form is W3C Trace Context's.
"""

from cluster.jobs.lease import Lease
from cluster.stores.record import content_hash


def trace_of(job: str) -> str:
    """The trace of all that is done for a job: 32 hexadecimal digits."""
    return content_hash(("trace", job))[:32]


def span_of(lease: Lease) -> str:
    """One attempt in its job's trace: 16 hexadecimal digits."""
    shard = lease.shard
    return content_hash(("attempt", lease.job, shard.stage, shard.index, lease.epoch))[:16]


def root_span_of(job: str) -> str:
    """The job itself in its trace: all else is under it."""
    return content_hash(("job", job))[:16]
