"""Watches a history from outside and says what must never have happened.

It trusts nothing that the farm says of itself: it sees every change of the store, every decision
and every order, and judges them by rules of its own.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from bodyswap.timing import FrameRange
from cluster.farm.decide import Action, Divide, Publish, Start
from cluster.jobs.control import Verb
from cluster.jobs.failures import Cause
from cluster.jobs.job import JobSpec, JobState, Stage
from cluster.jobs.journal import Entry
from cluster.jobs.keys import QUEUE, JobKeys
from cluster.jobs.order import Order
from cluster.jobs.plan import Shard
from cluster.jobs.snapshot import JobView, ProjectShare, Snapshot
from cluster.simulation.makers import check_divide, check_makers, take_of
from cluster.simulation.store import Objects
from cluster.simulation.violation import ViolationError
from cluster.simulation.worker import Process
from cluster.stores.record import from_json

_HEARS_OF_IT_WITHIN_S = 300.0
"""A controller that looks at the store so long after a pause or a cancel has heard of it."""

_PLAIN_SHARE = ProjectShare()
_MAY_BE_BLAMED = {Cause.MEMORY, Cause.MACHINE, Cause.DEATH, Cause.STALL}


@dataclass(kw_only=True)
class _Job:
    spec: JobSpec
    state: JobState = JobState.SUBMITTED
    state_since_s: float = 0.0
    entries: list[Entry] = field(default_factory=list)
    commits: dict[str, bytes] = field(default_factory=dict)


class Auditor:
    """The watcher of one history's store, decisions and orders. `clock` tells simulated time."""

    def __init__(self, objects: Objects, clock: Callable[[], float]) -> None:
        self._objects = objects
        self._clock = clock
        self._jobs: dict[str, _Job] = {}
        self._under_way: set[str] = set()
        self._kept: set[str] = set()
        self._woke_at_s: dict[str, float] = {}
        self.tally: Counter[str] = Counter()
        objects.watcher = self

    def expect(self, spec: JobSpec) -> None:
        self._jobs[spec.job] = _Job(spec=spec)
        self._under_way.add(spec.job)

    def woke(self, controller: str) -> None:
        """The controller begins to look at the store."""
        self._woke_at_s[controller] = self._clock()

    @property
    def is_over(self) -> bool:
        """True where every job has come to an end."""
        return not self._under_way

    def wrote(self, key: str, data: bytes, before: bytes | None) -> None:
        if key in self._kept and before is not None and data != before:
            raise ViolationError(f"{key} was overwritten")
        name = key.rpartition("/")[2]
        if name == "commit.json":
            self._committed(key, data)
        elif "/journal/" in key:
            self._journaled(key, data)
        elif name.startswith("lease-"):
            self._leased(key, data)
        elif name == "manifest.json":
            self._kept.add(key)

    def deleted(self, key: str, before: bytes) -> None:
        if key in self._kept:
            raise ViolationError(f"{key} was committed, and deleted")

    def decided(self, snapshot: Snapshot, actions: Sequence[Action]) -> None:
        """Check what `decide` made of `snapshot`."""
        if not actions:
            return
        jobs = {job.spec.job: job for job in snapshot.jobs}
        idle = {worker.name for worker in snapshot.workers if worker.is_idle}
        taken: list[Start | Divide] = []
        for action in actions:
            if isinstance(action, Divide):
                check_divide(action, jobs[action.job], is_anybody_idle=bool(idle))
                taken.append(action)
            elif isinstance(action, Start):
                if action.worker not in idle:
                    raise ViolationError(f"{action.worker} was given a second shard")
                idle.remove(action.worker)
                _check_start(action, jobs[action.job], taken)
                _check_fair(action, snapshot, taken)
                taken.append(action)
            elif isinstance(action, Publish) and jobs[action.job].stage is not None:
                raise ViolationError(f"{action.job} was to be published unfinished")

    def ordered(self, order: Order, crew: Sequence[Process]) -> None:
        """Check that an order does not go where another of the same crew is at work on it."""
        lease = order.lease
        self.tally["attempts"] += 1
        for process in crew:
            working_on = process.working_on
            if working_on is None or process.is_cut_off or not process.is_alive:
                continue
            if (working_on.job, working_on.shard) == (lease.job, lease.shard):
                raise ViolationError(
                    f"{lease.shard} was given to {lease.worker} and {process.name}"
                )

    def close(self) -> None:
        """Judge the end."""
        for job in self._jobs.values():
            if not job.state.is_final:
                raise ViolationError(f"job {job.spec.job} is stuck: {job.state}")
            self.tally[job.state] += 1
            _check_end(job)
            if job.state is JobState.PUBLISHED:
                self._check_shot(job.spec)
        left = self._objects.list_keys(QUEUE)
        if left:
            raise ViolationError(f"{left} are left in the queue")

    def _committed(self, key: str, data: bytes) -> None:
        commit = msgspec.json.decode(data)
        for file in commit["files"]:
            if self._objects.get(file["key"]) is None:
                raise ViolationError(f"{key} tells of {file['key']}, which is not there")
            self._kept.add(file["key"])
        self._kept.add(key)
        self.tally["commits"] += 1

    def _journaled(self, key: str, data: bytes) -> None:
        self._kept.add(key)
        entry = from_json(data, Entry, what=key)
        job = self._jobs[key.split("/")[1]]
        if int(key[-11:-5]) != len(job.entries):
            raise ViolationError(f"{key} is not the next entry")
        if entry.request and any(entry.request == other.request for other in job.entries):
            raise ViolationError(f"{entry.request} was done twice")
        if entry.state is not job.state:
            if not job.state.may_become(entry.state):
                raise ViolationError(f"{job.state} became {entry.state}")
            if job.state.is_final and not entry.request:
                raise ViolationError(f"the end {job.state} was changed, and nobody had asked")
            job.state, job.state_since_s = entry.state, self._clock()
            change = self._under_way.discard if job.state.is_final else self._under_way.add
            change(job.spec.job)
        job.entries.append(entry)
        self.tally["takes"] += len(entry.again)
        self.tally["splits"] += entry.split is not None
        if entry.failure is not None:
            self.tally[f"failure: {entry.failure.cause}"] += 1

    def _leased(self, key: str, data: bytes) -> None:
        self._kept.add(key)
        job = self._jobs[key.split("/")[1]]
        life = msgspec.json.decode(data)["worker"].partition("w")[0]
        is_asked_to_rest = job.state in (JobState.PAUSED, JobState.CANCELLED)
        if is_asked_to_rest and self._woke_at_s[life] > job.state_since_s + _HEARS_OF_IT_WITHIN_S:
            raise ViolationError(f"{key} was given although the job is {job.state}")

    def _check_shot(self, spec: JobSpec) -> None:
        keys = JobKeys(job=spec.job)
        shot, manifest = self._objects.get(keys.out + "shot.mp4"), self._objects.get(keys.manifest)
        if shot is None or manifest is None:
            raise ViolationError(f"job {spec.job} is published without a shot")
        made = msgspec.json.decode(shot)
        if [frame for frame, _, _ in made] != list(spec.frames):
            raise ViolationError(f"the shot of {spec.job} has other frames than {spec.frames}")
        parts = msgspec.json.decode(manifest)["parts"]
        covered = [
            n for part in parts for n in range(part["frames"]["start"], part["frames"]["stop"])
        ]
        if covered != list(spec.frames):
            raise ViolationError(f"the manifest of {spec.job} tells of other frames")
        entries = self._jobs[spec.job].entries
        check_makers(entries, parts, made)
        self.tally["taken over"] += sum(bool(part["reused_from"]) for part in parts)
        if spec.is_exact:
            index = parts[-1]["shard"]
            self._check_chain(spec.job, made, index, take_of(entries, index))

    def _check_chain(self, job: str, made: list[list[int]], index: int, take: int) -> None:
        """Each shard went on from the state of the one before it, up to this last one."""
        frames = FrameRange(start=0, stop=1)
        last = Shard(stage=Stage.RENDER, index=index, frames=frames, take=take)
        commit = msgspec.json.decode(self._objects.get(JobKeys(job=job).commit(last)) or b"{}")
        (key,) = [file["key"] for file in commit["files"] if file["name"] == "boundary.bin"]
        past = self._objects.get(key)
        if past is None or msgspec.json.decode(past) != made:
            raise ViolationError(f"the chain of {job} is broken")


def _check_start(start: Start, job: JobView, taken: Sequence[Start | Divide]) -> None:
    view = next(view for view in job.shards if view.shard == start.shard)
    if job.state.is_final or job.state is JobState.PAUSED:
        raise ViolationError(f"a shard of a job that is {job.state} was started")
    if view.commit is not None or view.held is not None:
        raise ViolationError(f"{start.shard} was started although it is done or under work")
    if any((other.job, other.shard) == (start.job, start.shard) for other in taken):
        raise ViolationError(f"{start.shard} was started twice at once")
    before = list(Stage)[: list(Stage).index(start.shard.stage)]
    if any(view.commit is None for view in job.shards if view.shard.stage in before):
        raise ViolationError(f"{start.shard} was started before its inputs were there")


def _check_fair(start: Start, snapshot: Snapshot, taken: Sequence[Start | Divide]) -> None:
    """No project that could have had the worker had less than the one that got it."""
    running = Counter(job.spec.project for job in snapshot.jobs for _ in job.held)
    project = {job.spec.job: job.spec.project for job in snapshot.jobs}
    running.update(project[other.job] for other in taken if isinstance(other, Start))
    begun = {(other.job, other.shard) for other in taken}
    plain = _PLAIN_SHARE

    def served(name: str) -> float:
        return running[name] / snapshot.shares.get(name, plain).weight

    mine = project[start.job]
    most_workers = snapshot.shares.get(mine, plain).most_workers
    if most_workers is not None and running[mine] >= most_workers:
        raise ViolationError(f"project {mine} was given more than {most_workers} workers")
    for job in snapshot.jobs:
        could_start = (
            not job.state.is_final
            and job.state is not JobState.PAUSED
            and not job.is_published
            and not job.condemned
            and any(
                not view.failures and (job.spec.job, view.shard) not in begun
                for view in job.ready(snapshot.now_s)
            )
        )
        quota = snapshot.shares.get(job.spec.project, plain).most_workers
        if quota is not None and running[job.spec.project] >= quota:
            continue
        if could_start and served(job.spec.project) < served(mine):
            raise ViolationError(f"project {job.spec.project} had to stand back behind {mine}")


def _check_end(job: _Job) -> None:
    if job.state is JobState.CANCELLED:
        if not any(entry.request.endswith(f"{Verb.CANCEL}.json") for entry in job.entries):
            raise ViolationError(f"job {job.spec.job} was cancelled by nobody")
    elif job.state is JobState.FAILED:
        raise ViolationError(f"job {job.spec.job} failed: {job.entries[-1].why}")
    elif job.state is JobState.QUARANTINED:
        blames = Counter(
            entry.shard
            for entry in job.entries
            if entry.shard and entry.failure and entry.failure.cause in _MAY_BE_BLAMED
        )
        if max(blames.values(), default=0) < 3:
            raise ViolationError(f"job {job.spec.job} was quarantined for nothing")
