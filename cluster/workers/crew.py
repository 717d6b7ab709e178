"""Which kinds of worker a farm has: what each may do, and what it asks of a machine.

Pure: it does not know how workers are started.
"""

from dataclasses import dataclass

from cluster.jobs.job import Stage
from cluster.workers.settings import FarmSettings, Resources

_MOST_LOCAL_WORKERS = 4


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one worker gets of a machine."""

    cpus: float
    gpus: float
    threads: int


@dataclass(frozen=True, kw_only=True, eq=False)
class CrewPlan:
    """Workers of one kind, at most so many, each with these resources."""

    stages: frozenset[Stage]
    resources: Resources
    most: int
    threads: int


def default_workers(*, cpus: int, gpus: int) -> int:
    """One worker a GPU; without GPUs a few, each with a part of the cores."""
    return gpus or max(1, min(cpus, _MOST_LOCAL_WORKERS))


def share(*, cpus: int, gpus: int, workers: int) -> Share:
    """An equal part of the resources; Ray wants whole numbers above 1."""
    return Share(
        cpus=_part(cpus, workers), gpus=_part(gpus, workers), threads=max(1, cpus // workers)
    )


def crews(settings: FarmSettings, plain: Share, most: int) -> tuple[CrewPlan, ...]:
    """A crew for each demand there is; stages of which nothing is said ask for the plain share."""
    found: dict[tuple[tuple[str, float], ...], set[Stage]] = {}
    for stage in Stage:
        asked = settings.of(stage)
        if asked is None:
            asked = {"cpu": plain.cpus, "gpu": plain.gpus}
        found.setdefault(tuple(sorted(asked.items())), set()).add(stage)
    return tuple(
        CrewPlan(stages=frozenset(stages), resources=dict(asked), most=most, threads=plain.threads)
        for asked, stages in found.items()
    )


def _part(total: int, workers: int) -> float:
    return total // workers if total >= workers else int(total / workers * 1000) / 1000
