"""How fast each stage went in the jobs of a store, as their commits tell.

It invents nothing: a stage that no commit has measured has no rate.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from cluster.jobs.commit import read_commit
from cluster.jobs.job import JobSpec, Stage
from cluster.jobs.listing import job_ids
from cluster.jobs.observe import read_plan, read_spec
from cluster.stores.store import Store

_MOST_JOBS = 20
_MOST_SHARDS = 50
"""Of a job's stage: more tell little more, and each is a request to the store."""


class Likeness(IntEnum):
    """How much a past job was like the one asked about, the most alike first."""

    SAME_SHOT = 0
    SAME_SUBJECT = 1
    OTHER = 2

    @property
    def words(self) -> str:
        return _WORDS[self]


_WORDS = {
    Likeness.SAME_SHOT: "with this plate, subject and settings",
    Likeness.SAME_SUBJECT: "with this subject and these settings, of other plates",
    Likeness.OTHER: "with other subjects or settings",
}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One committed shard of a job: so many frames in so many seconds of one worker."""

    job: str
    likeness: Likeness
    stage: Stage
    frames: int
    work_s: float


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Frames that one worker does in a second, over all the shards measured, loading included."""

    stage: Stage
    frames_per_s: float
    slowest: float
    fastest: float
    shards: int
    jobs: int
    likeness: Likeness


def read_measured(store: Store, spec: JobSpec) -> tuple[Measured, ...]:
    """The measured shards of the jobs most like `spec`'s, the newest of them first."""
    others = (read_spec(store, job) for job in job_ids(store))
    known = [other for other in others if other is not None]
    known.sort(key=lambda other: other.submitted_at, reverse=True)
    known.sort(key=lambda other: _likeness(other, spec))
    return tuple(
        measured
        for other in known[:_MOST_JOBS]
        for measured in _read_job(store, other, _likeness(other, spec))
    )


def rate_of(stage: Stage, measured: Sequence[Measured]) -> Rate | None:
    """The stage's rate in the jobs most alike that measured it; None where none did."""
    fits = [each for each in measured if each.stage is stage]
    if not fits:
        return None
    nearest = min(each.likeness for each in fits)
    fits = [each for each in fits if each.likeness is nearest]
    rates = [each.frames / each.work_s for each in fits]
    return Rate(
        stage=stage,
        frames_per_s=sum(each.frames for each in fits) / sum(each.work_s for each in fits),
        slowest=min(rates),
        fastest=max(rates),
        shards=len(fits),
        jobs=len({each.job for each in fits}),
        likeness=nearest,
    )


def _read_job(store: Store, spec: JobSpec, likeness: Likeness) -> Iterator[Measured]:
    plan = read_plan(store, spec.job)
    for stage in Stage if plan else ():
        for shard in plan.shards(stage)[:_MOST_SHARDS] if plan else ():
            commit = read_commit(store, spec.job, shard)
            if commit is not None and commit.work_s:
                yield Measured(
                    job=spec.job,
                    likeness=likeness,
                    stage=stage,
                    frames=len(shard.frames),
                    work_s=commit.work_s,
                )


def _likeness(other: JobSpec, spec: JobSpec) -> Likeness:
    if (other.subjects, other.settings) != (spec.subjects, spec.settings):
        return Likeness.OTHER
    is_same_plate = other.plate.sha256 == spec.plate.sha256
    return Likeness.SAME_SHOT if is_same_plate else Likeness.SAME_SUBJECT
