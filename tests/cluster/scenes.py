"""Scenes for `why`: a job of four render shards, as far and in such trouble as a test wants."""

from dataclasses import replace

from specs import make_spec

from bodyswap.config import Mode
from bodyswap.timing import FrameRange
from cluster.jobs.commit import Commit
from cluster.jobs.control import Request, Verb
from cluster.jobs.failures import Cause, Failure
from cluster.jobs.job import JobState, Stage
from cluster.jobs.journal import Entry
from cluster.jobs.lease import Lease
from cluster.jobs.plan import make_plan
from cluster.telling.farm_seen import FarmSeen, WorkerSeen
from cluster.telling.scene import Scene
from cluster.telling.seen import JobSeen, ShardSeen

NOW_S = 1_800_000_000.0
SPEC = make_spec(frames=FrameRange(start=0, stop=120), shards=4)
EXACT = make_spec(frames=FrameRange(start=0, stop=120), shards=4, mode=Mode.EXACT)
PAUSE = Request(verb=Verb.PAUSE, by="ada", at=NOW_S - 5)


def make_job(state: str = "submitted", *, why: str = "", exact: bool = False) -> JobSeen:
    """A job in this state, unplanned where that is what the state says."""
    spec = EXACT if exact else SPEC
    entries = (
        Entry(state=JobState.SUBMITTED, at_s=NOW_S - 100, by="ada"),
        Entry(state=JobState(state), at_s=NOW_S - 50, by="bob", why=why),
    )
    if state == "submitted":
        return JobSeen(spec=spec, entries=entries[:1])
    plan = make_plan(spec, workers=4)
    shards = tuple(ShardSeen(shard=shard) for shard in plan.all_shards)
    return JobSeen(spec=spec, entries=entries, plan=plan, shards=shards)


def with_shard(job: JobSeen, name: str, **changes: object) -> JobSeen:
    """The job with other facts about one shard."""
    changed = replace(job.shard(name), **changes)  # type: ignore[arg-type]
    shards = tuple(changed if each.name == name else each for each in job.shards)
    return replace(job, shards=shards)


def committed(job: JobSeen, *stages: Stage) -> JobSeen:
    """The job with every shard of these stages committed."""
    for seen in job.shards:
        if seen.shard.stage in stages:
            lease = lease_of(job, seen.name, "w9")
            commit = Commit(lease=lease, files=(), frame_count=len(seen.shard.frames))
            job = with_shard(job, seen.name, commit=commit, leases=(lease,))
    return job


def lease_of(job: JobSeen, name: str, worker: str, epoch: int = 1) -> Lease:
    return Lease(job=job.spec.job, shard=job.shard(name).shard, epoch=epoch, worker=worker)


def leased(job: JobSeen, name: str, worker: str = "w0") -> JobSeen:
    """The job with a worker at this shard."""
    return with_shard(job, name, leases=(lease_of(job, name, worker),))


def failed(job: JobSeen, name: str, *workers: str, cause: Cause = Cause.DEATH) -> JobSeen:
    """The job with this shard having failed on the workers, one second ago at last."""
    failures = tuple(
        Failure(
            cause=cause, message=f"worker {worker} died.\nlong story", exit_code=8, worker=worker,
            at_s=NOW_S - 0.05,
        )
        for worker in workers
    )  # fmt: skip
    leases = tuple(lease_of(job, name, worker, n + 1) for n, worker in enumerate(workers))
    return with_shard(job, name, failures=failures, history=failures, leases=leases)


def make_farm_seen(*workers: WorkerSeen, silent_s: float = 1.0) -> FarmSeen:
    return FarmSeen(controller="head-1", at_s=NOW_S - silent_s, workers=workers)


def busy(name: str) -> WorkerSeen:
    return WorkerSeen(name=name, job="another", shard="render-0")


def scene(job: JobSeen, *workers: WorkerSeen, ahead: int = 0) -> Scene:
    """The job on a farm of these workers."""
    return Scene(job=job, now_s=NOW_S, farm=make_farm_seen(*workers), ahead=ahead)
