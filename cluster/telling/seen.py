"""A job as a reader of the store sees it: for people who ask, not for the controller.

It changes nothing and needs no farm. What is in memory there, such as which worker is idle, is
seen only as far as the farm tells of it (see `farm_seen`).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from bodyswap.config import Mode
from bodyswap.errors import JobError
from cluster.jobs.commit import Commit
from cluster.jobs.control import Request, Verb, new_requests
from cluster.jobs.failures import Failure, Verdict, pause_s, verdict
from cluster.jobs.job import JobSpec, JobState, Stage
from cluster.jobs.journal import Entry, Journal, since_submission
from cluster.jobs.keys import JobKeys
from cluster.jobs.lease import Lease
from cluster.jobs.listing import job_name
from cluster.jobs.observe import read_plan, read_spec
from cluster.jobs.plan import Plan, Shard
from cluster.jobs.progress import JobStatus, JobSummary, StageProgress
from cluster.stores.record import from_json
from cluster.stores.store import Store
from cluster.telling.sentence_parts import named


@dataclass(frozen=True, kw_only=True)
class ShardSeen:
    """A shard, its leases and failures oldest first; `history` has those that a retry cleared."""

    shard: Shard
    commit: Commit | None = None
    leases: tuple[Lease, ...] = ()
    failures: tuple[Failure, ...] = ()
    history: tuple[Failure, ...] = ()

    @property
    def name(self) -> str:
        return self.shard.name

    @property
    def running(self) -> Lease | None:
        """The lease that is being worked on, as far as the store can tell."""
        if self.commit is not None or not self.leases:
            return None
        latest = self.leases[-1]
        granted = sum(lease.worker == latest.worker for lease in self.leases)
        failed = sum(failure.worker == latest.worker for failure in self.history)
        return latest if granted > failed else None

    @property
    def is_given_up(self) -> bool:
        """True where its failures are such that it is not tried again."""
        return self.commit is None and verdict(self.failures) is not Verdict.RETRY

    @property
    def due_at_s(self) -> float | None:
        """When it may be tried again after its last failure; None where it has none."""
        count = len(self.failures)
        return self.failures[-1].at_s + pause_s(count) if count else None


@dataclass(frozen=True, kw_only=True)
class JobSeen:
    """All that the store holds of one job.

    `entries` is its present life, from its latest submission on; `requests` are those that
    nobody has taken up.
    """

    spec: JobSpec
    entries: tuple[Entry, ...]
    plan: Plan | None = None
    shards: tuple[ShardSeen, ...] = ()
    requests: tuple[Request, ...] = ()

    @property
    def state(self) -> JobState:
        return self.entries[-1].state if self.entries else JobState.SUBMITTED

    @property
    def turn(self) -> Entry:
        """The entry that brought the job into its present state; needs `entries`."""
        return turn_of(self.entries)

    @property
    def stage(self) -> Stage | None:
        """The first stage that is not wholly committed; None after the last, and unplanned."""
        left = {seen.shard.stage for seen in self.shards if seen.commit is None}
        return next((stage for stage in Stage if stage in left), None)

    def of(self, stage: Stage) -> tuple[ShardSeen, ...]:
        return tuple(seen for seen in self.shards if seen.shard.stage is stage)

    def predecessor(self, seen: ShardSeen) -> ShardSeen | None:
        """The shard that this one goes on from: of render shards in exact mode only."""
        is_chained = self.spec.render_settings.mode is Mode.EXACT
        if not is_chained or seen.shard.stage is not Stage.RENDER or not seen.shard.index:
            return None
        if self.plan is not None and seen.shard.frames.start in self.plan.cuts:
            return None
        return self.of(Stage.RENDER)[seen.shard.index - 1]

    def shard(self, name: str) -> ShardSeen:
        """The shard called `name`. Raises JobError where the job has none."""
        for seen in self.shards:
            if name == seen.name:
                return seen
        if self.plan is None:
            job = self.spec.job
            raise JobError(
                f"job {job} is not planned yet, so it has no shard '{name}'; see `why {job}`"
            )
        parts = self.plan.parts_of(name)
        if parts:
            raise JobError(
                f"{name} of job {self.spec.job} is done as {parts[0].name} to {parts[-1].name},"
                " since workers were free for them; ask for one of these"
            )
        raise JobError(
            f"'{name}' is no shard of job {self.spec.job}; it has {_told_names(self.plan)}"
        )


def turn_of(entries: Sequence[Entry]) -> Entry:
    """The first of the last entries that share a state: later ones only add to it."""
    run = takewhile(lambda entry: entry.state is entries[-1].state, reversed(entries))
    return list(run)[-1]


def see_job(store: Store, job: str) -> JobSeen:
    """Look at the job. Raises JobError where there is no such job."""
    spec = see_spec(store, job)
    entries = Journal(store, job).read()
    plan = read_plan(store, job, entries)
    answered = frozenset(entry.request for entry in entries if entry.request)
    return JobSeen(
        spec=spec,
        entries=since_submission(entries),
        plan=plan,
        shards=_see_shards(store, plan, entries) if plan else (),
        requests=tuple(request for _, request in new_requests(store, job, answered)),
    )


def see_status(store: Store, job: str) -> JobStatus:
    """How far the job is. Raises JobError where there is no such job."""
    entry = Journal(store, job).latest()
    if entry is None:
        raise JobError(f"'{job}' is no job's id; `list` shows the jobs of {store.url}")
    key = JobKeys(job=job).progress
    data = store.get(key)
    told = None if data is None else from_json(data, JobStatus, what=key)
    is_lost = entry.state.is_final and entry.state is not JobState.PUBLISHED
    if told is not None and told.state is entry.state and not is_lost:
        return told
    if is_lost:
        entry = turn_of(Journal(store, job).read())
    code = entry.failure.exit_code if entry.failure else JobError.exit_code
    return JobStatus(
        job=job, state=entry.state, message=entry.why, exit_code=code if is_lost else 0
    )


def see_summary(store: Store, job: str) -> JobSummary:
    """The job as a line of a list. Raises JobError where there is no such job."""
    spec = see_spec(store, job)
    return JobSummary(
        job=job,
        name=job_name(spec),
        project=spec.project,
        priority=_priority(store, spec),
        submitted_by=spec.submitted_by,
        submitted_at=spec.submitted_at,
        status=see_status(store, job),
    )


def see_stages(store: Store, status: JobStatus) -> tuple[StageProgress, ...]:
    """How much of each stage is committed, and of the present one how much is done."""
    plan = read_plan(store, status.job)
    if plan is None:
        return ()
    return tuple(_see_stage(store, plan, stage, status) for stage in Stage if plan.shards(stage))


def _see_stage(store: Store, plan: Plan, stage: Stage, status: JobStatus) -> StageProgress:
    keys = JobKeys(job=plan.job)
    there = set(store.list_keys(keys.stage(stage)))
    shards = plan.shards(stage)
    done = [shard for shard in shards if keys.commit(shard) in there]
    frames_done = sum(len(shard.frames) for shard in done)
    if stage is status.stage:
        frames_done = max(frames_done, status.frames_done)
    return StageProgress(
        stage=stage,
        shards_done=len(done),
        shards_total=len(shards),
        frames_done=frames_done,
        frames_total=sum(len(shard.frames) for shard in shards),
    )


def _priority(store: Store, spec: JobSpec) -> int:
    """As it was submitted, or as somebody asked last."""
    keys = store.list_keys(JobKeys(job=spec.job).control)
    asked = [key for key in keys if key.endswith(f"-{Verb.PRIORITY}.json")]
    data = store.get(asked[-1]) if asked else None
    request = None if data is None else from_json(data, Request, what=asked[-1])
    wished = request.arguments.get("priority") if request else None
    return wished if isinstance(wished, int) else spec.priority


def see_spec(store: Store, job: str) -> JobSpec:
    """What was asked of the job. Raises JobError where there is no such job."""
    spec = read_spec(store, job)
    if spec is None:
        raise JobError(f"'{job}' is no job's id; `list` shows the jobs of {store.url}")
    return spec


def _see_shards(store: Store, plan: Plan, entries: tuple[Entry, ...]) -> tuple[ShardSeen, ...]:
    keys = JobKeys(job=plan.job)
    there: dict[str, list[str]] = defaultdict(list)
    for stage in Stage:
        for key in store.list_keys(keys.stage(stage)):
            there["/".join(key.split("/")[:4]) + "/"].append(key)
    failures, history = _failures(since_submission(entries)), _failures(entries, clear=False)
    return tuple(
        _see_shard(
            store,
            there[keys.shard(shard)],
            ShardSeen(
                shard=shard,
                failures=tuple(failures[shard.name]),
                history=tuple(history[shard.name]),
            ),
        )
        for shard in plan.all_shards
    )


def _failures(entries: tuple[Entry, ...], *, clear: bool = True) -> defaultdict[str, list[Failure]]:
    """Every shard's failures, by its name; unless `clear` those too that a retry cleared."""
    failures: defaultdict[str, list[Failure]] = defaultdict(list)
    for entry in entries:
        for name in entry.retried if clear else ():
            failures.pop(name, None)
        # The entry that ends a job may repeat its last failure.
        if entry.shard is not None and entry.failure is not None and not entry.state.is_final:
            failures[entry.shard.name].append(entry.failure)
    return failures


def _see_shard(store: Store, keys: list[str], bare: ShardSeen) -> ShardSeen:
    """The shard with its commit and leases, whose keys are among these."""
    commit, leases = None, []
    for key in keys:
        name = key.rpartition("/")[2]
        if name == "commit.json" and (data := store.get(key)) is not None:
            commit = from_json(data, Commit, what=key)
        elif name.startswith("lease-") and (data := store.get(key)) is not None:
            leases.append(from_json(data, Lease, what=key))
    return replace(bare, commit=commit, leases=tuple(leases))


def _told_names(plan: Plan) -> str:
    return ", ".join(_told_span(plan.shards(stage)) for stage in Stage if plan.shards(stage))


def _told_span(shards: Sequence[Shard]) -> str:
    names = [shard.name for shard in sorted(shards, key=lambda shard: shard.index)]
    is_gapless = max(shard.index for shard in shards) == len(shards) - 1
    if not is_gapless:
        return named(names)
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
