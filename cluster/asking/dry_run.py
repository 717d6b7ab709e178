"""What a job would come to, from what the store has of it and of jobs like it.

It writes nothing; `estimate` does the sums.
"""

from collections import Counter
from dataclasses import dataclass, replace

from cluster.jobs.estimate import Estimate, estimate_stages
from cluster.jobs.job import JobSpec
from cluster.jobs.journal import Journal
from cluster.jobs.listing import job_name
from cluster.jobs.observe import read_plan
from cluster.jobs.plan import Plan, make_plan
from cluster.jobs.rates import read_measured
from cluster.jobs.results import remembered_cut, remembered_splits
from cluster.stores.store import Store
from cluster.workers.reuse import is_anothers, reusable


@dataclass(frozen=True, kw_only=True)
class Reuse:
    """How much of a job other jobs have done: so many of its shards, as far as can be told now."""

    reused: int
    shards: int


def see_reuse(store: Store, spec: JobSpec, *, workers: int) -> Reuse:
    """What the job takes over from others, or has taken over already."""
    plan, found = reusable(store, spec, _plan(store, spec, workers))
    reused = sum(is_anothers(commit, spec) for commit in found.values())
    return Reuse(reused=reused, shards=len(plan.all_shards))


def dry_run(store: Store, spec: JobSpec, *, workers: int | None, workers_at_hand: int) -> Estimate:
    """The job on `workers`, or else on those at hand, or else on one."""
    count = workers or workers_at_hand or 1
    latest = Journal(store, spec.job).latest()
    plan, found = reusable(store, spec, _plan(store, spec, count))
    reused = Counter(shard.stage for shard, commit in found.items() if is_anothers(commit, spec))
    measured = read_measured(store, spec)
    return Estimate(
        job=spec.job,
        name=job_name(spec),
        assumed=spec.assumed,
        frames=len(spec.frames),
        state=None if latest is None else latest.state,
        workers=count,
        is_farms=workers is None and workers_at_hand > 0,
        stages=tuple(
            replace(stage, shards_reused=reused[stage.stage])
            for stage in estimate_stages(spec, plan, frozenset(found), measured, count)
        ),
    )


def _plan(store: Store, spec: JobSpec, workers: int) -> Plan:
    """The job's own, or what it would be cut into now."""
    return read_plan(store, spec.job) or make_plan(
        spec,
        workers=workers,
        as_before=remembered_cut(store, spec),
        split_before=remembered_splits(store, spec),
    )
