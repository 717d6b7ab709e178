"""Rebuild all that is known of a job from the store alone.

It does not know what is running: that is the runtime's to say, and dies with it.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from bodyswap.errors import StoreError
from cluster.jobs.commit import Commit, read_commit
from cluster.jobs.failures import Failure
from cluster.jobs.job import JobSpec, JobState, Stage
from cluster.jobs.journal import Entry, Journal, amended, since_submission
from cluster.jobs.keys import SHARES, JobKeys
from cluster.jobs.plan import Plan, Shard
from cluster.jobs.snapshot import JobView, ProjectShare, ShardView
from cluster.stores.asker import Asker
from cluster.stores.record import from_json, from_yaml
from cluster.stores.store import Store

_SPECS_KEPT = 4096
"""Decoded, since they never change and are read again and again."""


@dataclass(frozen=True, kw_only=True)
class Observed:
    """A job as the store has it, and what its journal held when it was read."""

    view: JobView
    entries: tuple[Entry, ...]

    @property
    def last_change(self) -> Entry | None:
        """The entry by which the job came into its present state."""
        change = None
        for entry in self.entries:
            if change is None or entry.state is not change.state:
                change = entry
        return change

    @property
    def answered(self) -> frozenset[str]:
        """The requests that were taken up, by any controller."""
        return frozenset(entry.request for entry in self.entries if entry.request)


def observe_job(store: Store, job: str, reader: Asker) -> Observed:
    """The job as the store has it. Raises StoreError where there is no such job."""
    spec = read_spec(store, job)
    if spec is None:
        raise StoreError(f"there is no job '{job}' in {store.url}; `list` shows those there are")
    return observe_again(store, spec, reader)


def observe_again(store: Store, spec: JobSpec, reader: Asker) -> Observed:
    """The same for a job whose spec, which never changes, is known."""
    # The journal before the rest: whoever wrote since is met at the next entry.
    entries = Journal(store, spec.job).read()
    plan = read_plan(store, spec.job, entries)
    view = JobView(
        spec=spec,
        state=entries[-1].state if entries else JobState.SUBMITTED,
        priority=_priority(spec, entries),
        plan=plan,
        shards=_shards(store, plan, since_submission(entries), reader) if plan else (),
        is_published=store.head(JobKeys(job=spec.job).manifest) is not None,
    )
    return Observed(view=view, entries=entries)


def read_spec(store: Store, job: str) -> JobSpec | None:
    """What was asked of the job, or None where there is no such job."""
    key = JobKeys(job=job).spec
    data = store.get(key)
    return None if data is None else _spec_of(data, key)


@lru_cache(maxsize=_SPECS_KEPT)
def _spec_of(data: bytes, key: str) -> JobSpec:
    return from_yaml(data, JobSpec, what=key)


def read_plan(store: Store, job: str, entries: Sequence[Entry] | None = None) -> Plan | None:
    """The job's plan as it is now; None where there is none.

    Around the cuts that its solve step has found, and with what its journal says of it since:
    `entries`, where that was read already.
    """
    key = JobKeys(job=job).plan
    data = store.get(key)
    if data is None:
        return None
    plan = from_json(data, Plan, what=key)
    (solving,) = plan.shards(Stage.SOLVE)
    solved = read_commit(store, job, solving)
    plan = plan if solved is None else plan.around(solved.cuts)
    return amended(plan, Journal(store, job).read() if entries is None else entries)


def read_shares(store: Store) -> dict[str, ProjectShare]:
    """What part of the farm each project gets; those that are not named share equally."""
    data = store.get(SHARES)
    return {} if data is None else dict(_shares_of(data))


@lru_cache(maxsize=4)
def _shares_of(data: bytes) -> dict[str, ProjectShare]:
    return from_yaml(data, dict[str, ProjectShare], what=SHARES)


def _priority(spec: JobSpec, entries: tuple[Entry, ...]) -> int:
    changes = [entry.priority for entry in entries if entry.priority is not None]
    return changes[-1] if changes else spec.priority


def _shards(
    store: Store, plan: Plan, entries: tuple[Entry, ...], reader: Asker
) -> tuple[ShardView, ...]:
    failures = _failures(entries)
    commits = _commits(store, plan, reader)
    return tuple(
        ShardView(shard=shard, commit=commits.get(shard), failures=tuple(failures[shard.name]))
        for shard in plan.all_shards
    )


def _failures(entries: tuple[Entry, ...]) -> defaultdict[str, list[Failure]]:
    failures: defaultdict[str, list[Failure]] = defaultdict(list)
    for entry in entries:
        for name in entry.retried:
            failures.pop(name, None)
        if entry.shard is not None and entry.failure is not None:
            known = failures[entry.shard.name]
            # An answer of the store that was lost, or the job's end, has it written again.
            if entry.failure not in known:
                known.append(entry.failure)
    return failures


def _commits(store: Store, plan: Plan, reader: Asker) -> dict[Shard, Commit]:
    keys = JobKeys(job=plan.job)
    there = {key for stage in Stage for key in store.list_keys(keys.stage(stage))}
    shards = [shard for shard in plan.all_shards if keys.commit(shard) in there]
    answers = reader.all([partial(read_commit, store, plan.job, shard) for shard in shards])
    found = [(shard, answer()) for shard, answer in zip(shards, answers, strict=True)]
    return {shard: commit for shard, commit in found if commit is not None}
