"""What a job would come to, from what the store has of it and of jobs like it.

It writes nothing; `estimate` does the sums.
"""

from cluster.estimate import Estimate, estimate_stages
from cluster.job import JobSpec, Stage
from cluster.job_list import job_name
from cluster.journal import Journal
from cluster.keys import JobKeys
from cluster.observe import read_plan
from cluster.plan import Plan, Shard, make_plan
from cluster.rates import read_measured
from cluster.store import Store


def dry_run(store: Store, spec: JobSpec, *, workers: int | None, workers_at_hand: int) -> Estimate:
    """The job on `workers`, or else on those at hand, or else on one."""
    count = workers or workers_at_hand or 1
    latest = Journal(store, spec.job).latest()
    plan = read_plan(store, spec.job) or make_plan(spec, workers=count)
    measured = read_measured(store, spec)
    return Estimate(
        job=spec.job,
        name=job_name(spec),
        frames=len(spec.frames),
        state=None if latest is None else latest.state,
        workers=count,
        is_farms=workers is None and workers_at_hand > 0,
        stages=estimate_stages(spec, plan, _committed(store, plan), measured, count),
    )


def _committed(store: Store, plan: Plan) -> frozenset[Shard]:
    keys = JobKeys(job=plan.job)
    there = {key for stage in Stage for key in store.list_keys(keys.stage(stage))}
    return frozenset(shard for shard in plan.all_shards if keys.commit(shard) in there)
