"""Which shards of a job may be asked for again, and which hold a frame. Pure.

It does not know what the farm answers: that is `answer`'s, by what is so when it hears of it.
"""

from bodyswap.errors import JobError
from bodyswap.timing import FrameRange
from cluster.jobs.job import Stage
from cluster.telling.seen import JobSeen


def check_retry(seen: JobSeen, name: str) -> None:
    """Raises JobError where the job has no shard of this name, or none that can be done again."""
    shard = seen.shard(name)
    if shard.commit is None and not shard.failures:
        raise JobError(
            f"{name} of job {seen.spec.job} is not tried yet, or being tried;"
            " a retry is for what failed or is committed"
        )
    if shard.commit is not None and shard.shard.stage in (Stage.POSE, Stage.SOLVE):
        raise JobError(
            f"{name} of job {seen.spec.job} is committed, and would come out the same; change a"
            " setting and submit, and all that depends on it is done again"
        )


def shards_over(seen: JobSeen, frames: FrameRange) -> tuple[str, ...]:
    """The names of the render shards that hold any of `frames`. Raises JobError where none does."""
    names = tuple(
        each.name
        for each in seen.of(Stage.RENDER)
        if each.shard.frames.start < frames.stop and frames.start < each.shard.frames.stop
    )
    if not names:
        raise JobError(
            f"no render shard of job {seen.spec.job} holds frames {seen.spec.plate.numbers(frames)}"
        )
    return names
