"""What one shard of a job that is under way waits for. Pure: `why` asks it, and words the rest."""

from cluster.jobs.job import Stage
from cluster.telling.farm_seen import FarmSeen, WorkerSeen
from cluster.telling.scene import Scene, WaitsFor, Why
from cluster.telling.seen import JobSeen, ShardSeen
from cluster.telling.sentence_parts import at, counted, named, span, within


def shard_over(seen: ShardSeen) -> Why | None:
    """Of a shard that nobody will work on: committed, or given up."""
    if seen.commit is not None:
        lease, maker = seen.commit.lease, seen.commit.made_by
        if maker is not None:
            return Why(
                waits_for=WaitsFor.NOTHING,
                sentence="waits for nothing: it was taken over from job"
                f" {maker.job}, where {maker.worker} committed it as {maker.shard.name}",
            )
        return Why(
            waits_for=WaitsFor.NOTHING,
            sentence=f"waits for nothing: {lease.worker} committed it, attempt {lease.epoch}",
        )
    if not seen.is_given_up:
        return None
    workers = list(dict.fromkeys(failure.worker for failure in seen.failures))
    return Why(
        waits_for=WaitsFor.RETRY,
        sentence=f"was given up after {counted(len(seen.failures), 'failure')} on"
        f" {named(workers)}, at last: {within(seen.failures[-1].message)}; `logs` shows them all",
    )


def shard_under_way(scene: Scene, farm: FarmSeen, seen: ShardSeen) -> Why:
    """Of any other shard."""
    return (
        _worked_on(scene, farm, seen)
        or _blocked(scene.job, seen)
        or _let_alone(scene, seen)
        or _at_quota(scene.job, farm)
        or _unstaffed(scene, farm, seen)
        or Why(
            waits_for=WaitsFor.START,
            sentence="is next: a worker is free, and the farm is about to give it the shard",
        )
    )


def _worked_on(scene: Scene, farm: FarmSeen, seen: ShardSeen) -> Why | None:
    lease = seen.running
    if lease is None:
        return None
    worker = farm.worker(lease.worker)
    if worker is None:
        return Why(
            waits_for=WaitsFor.WORKER,
            sentence=f"waits for another worker: {lease.worker}, which had it, is gone",
        )
    if (worker.job, worker.shard) != (lease.job, seen.name):
        return Why(
            waits_for=WaitsFor.WORKER,
            sentence=f"waits for the farm to hear how {lease.worker} fared with it",
        )
    how_far = ""
    if worker.frames_done and worker.advanced_at_s is not None:
        ago = span(scene.now_s - worker.advanced_at_s)
        how_far = f", {worker.frames_done} of {len(seen.shard.frames)} frames, the last {ago} ago"
    return Why(
        waits_for=WaitsFor.WORK,
        sentence=f"is being done by {lease.worker}, attempt {lease.epoch}{how_far}",
    )


def _blocked(job: JobSeen, seen: ShardSeen) -> Why | None:
    """By work that comes before it."""
    before = job.stage
    if before is not None and list(Stage).index(before) < list(Stage).index(seen.shard.stage):
        still = [each.name for each in job.of(before) if each.commit is None]
        return Why(
            waits_for=WaitsFor.STAGE,
            sentence=f"waits for the {before} stage, where {named(still)}"
            f" {'is' if len(still) == 1 else 'are'} still to come",
        )
    predecessor = job.predecessor(seen)
    if predecessor is None or predecessor.commit is not None:
        return None
    return Why(
        waits_for=WaitsFor.PREDECESSOR,
        sentence=f"waits for {predecessor.name}: in exact mode it goes on from that one's last"
        " frame",
    )


def _let_alone(scene: Scene, seen: ShardSeen) -> Why | None:
    """For a while after a failure."""
    due_at_s = seen.due_at_s
    if due_at_s is None or due_at_s <= scene.now_s:
        return None
    last = seen.failures[-1]
    return Why(
        waits_for=WaitsFor.PAUSE,
        sentence=f"is tried again in {span(max(1.0, due_at_s - scene.now_s))}: it failed"
        f" {counted(len(seen.failures), 'time')}, at last on {last.worker}:"
        f" {within(last.message)}",
    )


def _at_quota(job: JobSeen, farm: FarmSeen) -> Why | None:
    quota = farm.spent_quota(job.spec.project)
    if quota is None:
        return None
    return Why(
        waits_for=WaitsFor.QUOTA,
        sentence=f"waits for its project {quota.project} to need fewer workers: it has"
        f" {quota.running} now and may have {quota.most}",
    )


def _unstaffed(scene: Scene, farm: FarmSeen, seen: ShardSeen) -> Why | None:
    """There is nobody now who may do it."""
    if not farm.workers:
        return _for_worker(f"waits for a worker: the farm has none just now{_leaving(farm)}")
    stage = seen.shard.stage
    fit = [worker for worker in farm.workers if worker.may_do(stage)]
    if not fit:
        count = len(farm.workers)
        return _for_worker(
            f"waits for a worker with what the {stage} stage asks for: the farm's"
            f" {counted(count, 'worker')} {'is' if count == 1 else 'are'} for other stages"
            f"{_leaving(farm)}"
        )
    able = [worker for worker in fit if worker.benched_until_s <= scene.now_s]
    # Where all are benched the farm makes do with them.
    able = able or fit
    failed = {failure.worker for failure in seen.failures}
    fresh = [worker for worker in able if worker.name not in failed]
    if any(worker.is_idle for worker in fresh or able):
        return None
    idle = [worker.name for worker in able if worker.is_idle]
    if idle:
        return _for_worker(
            f"waits for a worker that has not failed it: {named(idle)} did,"
            f" and the others have work"
        )
    benched = [worker for worker in fit if worker not in able]
    return _for_worker(
        f"waits for a free worker: {_busy(able)}{_benched(benched)}{_leaving(farm)}{_behind(scene)}"
    )


def _busy(workers: list[WorkerSeen]) -> str:
    return "the only one has work" if len(workers) == 1 else f"all {len(workers)} have work"


def _benched(workers: list[WorkerSeen]) -> str:
    if not workers:
        return ""
    back = min(workers, key=lambda worker: worker.benched_until_s)
    return (
        f", {counted(len(workers), 'other')} failed too often ({back.name} is let in again at"
        f" {at(back.benched_until_s)})"
    )


def _leaving(farm: FarmSeen) -> str:
    if not farm.leaving_nodes:
        return ""
    are = "is" if len(farm.leaving_nodes) == 1 else "are"
    return f", and {named(farm.leaving_nodes)} {are} about to leave the farm"


def _behind(scene: Scene) -> str:
    """Where the job stands in the queue, as the end of a sentence."""
    if not scene.ahead:
        return "; its job is first in the queue"
    verb = "comes" if scene.ahead == 1 else "come"
    return f"; in the queue {counted(scene.ahead, 'job')} {verb} before its own"


def _for_worker(sentence: str) -> Why:
    return Why(waits_for=WaitsFor.WORKER, sentence=sentence)
