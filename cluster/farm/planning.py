"""Cut a job into shards, once: with what earlier jobs of the same frames have taught.

It does not know how many ask at the same time: whichever plan was written first stands.
"""

from cluster.jobs.job import JobSpec
from cluster.jobs.keys import JobKeys
from cluster.jobs.observe import read_plan
from cluster.jobs.plan import Plan, make_plan
from cluster.jobs.results import remember_cut, remembered_cut, remembered_splits
from cluster.jobs.warmup import known_warmup
from cluster.stores.record import to_json
from cluster.stores.store import Store


def plan_for(store: Store, spec: JobSpec, workers: int) -> Plan:
    """The job's plan, made for about `workers` workers where it had none. Raises StoreError."""
    plan = make_plan(
        spec,
        workers=workers,
        as_before=remembered_cut(store, spec),
        split_before=remembered_splits(store, spec),
        warmup_frames=known_warmup(store, spec),
    )
    remember_cut(store, spec, plan)
    if not store.put_if_absent(JobKeys(job=spec.job).plan, to_json(plan)):
        plan = read_plan(store, spec.job) or plan
    return plan
