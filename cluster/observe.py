"""Rebuild all that is known of a job from the store alone.

It does not know what is running: that is the runtime's to say, and dies with it.
"""

from collections import defaultdict

from bodyswap.errors import StoreError
from cluster.commit import Commit, read_commit
from cluster.decide import JobView, ShardView
from cluster.failures import Failure
from cluster.job import JobSpec, JobState, Stage
from cluster.journal import Entry, Journal, since_submission
from cluster.keys import JobKeys
from cluster.plan import Plan, Shard
from cluster.record import from_json, from_yaml
from cluster.store import Store


def observe_job(store: Store, job: str) -> JobView:
    """The job as the store has it. Raises StoreError where there is no such job."""
    spec = read_spec(store, job)
    if spec is None:
        raise StoreError(f"there is no job '{job}' in {store.url}; `list` shows those there are")
    entries = since_submission(Journal(store, job).read())
    plan = read_plan(store, job)
    return JobView(
        spec=spec,
        state=entries[-1].state if entries else JobState.SUBMITTED,
        plan=plan,
        shards=_shards(store, plan, entries) if plan else (),
        is_published=store.head(JobKeys(job=job).manifest) is not None,
    )


def read_spec(store: Store, job: str) -> JobSpec | None:
    key = JobKeys(job=job).spec
    data = store.get(key)
    return None if data is None else from_yaml(data, JobSpec, what=key)


def read_plan(store: Store, job: str) -> Plan | None:
    key = JobKeys(job=job).plan
    data = store.get(key)
    return None if data is None else from_json(data, Plan, what=key)


def shard_views(plan: Plan) -> tuple[ShardView, ...]:
    """The shards of a job that has just been planned."""
    return tuple(ShardView(shard=shard) for shard in plan.all_shards)


def _shards(store: Store, plan: Plan, entries: tuple[Entry, ...]) -> tuple[ShardView, ...]:
    failures: dict[Shard, list[Failure]] = defaultdict(list)
    for entry in entries:
        if entry.shard is not None and entry.failure is not None:
            failures[entry.shard].append(entry.failure)
    commits = _commits(store, plan)
    return tuple(
        ShardView(shard=shard, commit=commits.get(shard), failures=tuple(failures.get(shard, ())))
        for shard in plan.all_shards
    )


def _commits(store: Store, plan: Plan) -> dict[Shard, Commit]:
    keys = JobKeys(job=plan.job)
    there = {key for stage in Stage for key in store.list_keys(keys.stage(stage))}
    commits = {}
    for shard in plan.all_shards:
        if keys.commit(shard) in there:
            commit = read_commit(store, plan.job, shard)
            if commit is not None:
                commits[shard] = commit
    return commits
