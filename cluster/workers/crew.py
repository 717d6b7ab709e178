"""Which kinds of worker a farm has: what each may do, and what it asks of a machine.

Pure: it does not know how workers are started.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bodyswap.errors import UsageError
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


def cluster_share(resources: Mapping[str, float], settings: FarmSettings) -> tuple[Share, int]:
    """A worker's part of a Ray cluster with these resources, and how many workers of a kind.

    Raises:
        UsageError: it has no machines yet, so that a part of them is nothing, and is asked for.
    """
    is_told = settings.workers is not None and all(settings.of(stage) for stage in Stage)
    if not resources.get("CPU") and not is_told:
        raise UsageError(
            "the Ray cluster has no machines yet, so a worker's part of them cannot be told; give"
            " `workers` and `resources` of every stage in the --farm file, or wait for a machine"
        )
    cpus, gpus = int(resources.get("CPU", 1)), int(resources.get("GPU", 0))
    count = settings.workers or default_workers(cpus=cpus, gpus=gpus)
    return share(cpus=cpus, gpus=gpus, workers=count), count


def crews(settings: FarmSettings, plain: Share, most: int) -> tuple[CrewPlan, ...]:
    """A crew for each demand there is; stages of which nothing is said ask for the plain share."""
    found: dict[tuple[tuple[str, float], ...], set[Stage]] = {}
    for stage in Stage:
        asked = settings.of(stage)
        if asked is None:
            asked = {"cpu": plain.cpus, "gpu": plain.gpus}
        found.setdefault(tuple(sorted(asked.items())), set()).add(stage)
    return tuple(
        CrewPlan(
            stages=frozenset(stages),
            resources=dict(asked),
            most=most,
            threads=max(1, int(dict(asked).get("cpu", plain.threads))),
        )
        for asked, stages in found.items()
    )


def _part(total: int, workers: int) -> float:
    return total // workers if total >= workers else int(total / workers * 1000) / 1000
