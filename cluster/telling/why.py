"""What a job, or a shard of it, waits for, in one sentence, always.

Pure: it is handed all that is known and only words it. It decides nothing.
"""

from dataclasses import replace

from cluster.jobs.control import Request, Verb
from cluster.jobs.job import JobState
from cluster.telling.farm_seen import FarmSeen
from cluster.telling.scene import Scene, WaitsFor, Why
from cluster.telling.seen import JobSeen, ShardSeen
from cluster.telling.sentence_parts import at, counted, named, span, within
from cluster.telling.why_shard import shard_over, shard_under_way


def why_job(scene: Scene) -> Why:
    """What the job waits for."""
    return _about(f"job {scene.job.spec.job}", _at_rest(scene) or _under_way(scene))


def why_shard(scene: Scene, name: str) -> Why:
    """What the shard of that name waits for. Raises JobError where the job has none."""
    seen = scene.job.shard(name)
    answer = shard_over(seen)
    if answer is None:
        rest = _at_rest(scene)
        answer = rest and replace(rest, sentence=f"waits with its job, which {rest.sentence}")
    if answer is None and scene.present_farm is not None:
        answer = shard_under_way(scene, scene.present_farm, seen)
    return _about(name, answer or _no_farm(scene))


def _about(what: str, answer: Why) -> Why:
    return replace(answer, sentence=f"{what} {answer.sentence}")


def _at_rest(scene: Scene) -> Why | None:
    """Of a job that goes nowhere unless somebody, or the farm for somebody, does something."""
    if scene.job.state is JobState.PUBLISHED:
        return _over(scene.job)
    # Whatever its priority, the job waits for the same.
    asked = [wish for wish in scene.job.requests if wish.verb is not Verb.PRIORITY]
    if asked:
        return _asked(scene, asked[-1])
    if scene.job.state.is_final or scene.job.state is JobState.PAUSED:
        return _over(scene.job)
    return None


def _asked(scene: Scene, request: Request) -> Why:
    """A request that nobody has taken up yet."""
    is_alone = scene.present_farm is None
    farm = "a farm, for there is none now," if is_alone else "the farm"
    farm = "the farm, which is starting," if scene.starting_farm else farm
    return Why(
        waits_for=WaitsFor.FARM if is_alone else WaitsFor.REQUEST,
        sentence=f"waits for {farm} to take up the wish to {request.verb} of"
        f" {request.by or 'somebody'} at {at(request.at)}",
    )


def _over(job: JobSeen) -> Why:
    entry = job.turn
    when = f"at {at(entry.at_s)}" + (f" by {entry.by}" if entry.by else "")
    because = f": {within(entry.why)}" if entry.why else ""
    retry = f"; `retry {job.spec.job}` tries again"
    match job.state:
        case JobState.PUBLISHED:
            return Why(
                waits_for=WaitsFor.NOTHING,
                sentence=f"waits for nothing: it was published {when}, and `fetch` brings it",
            )
        case JobState.PAUSED:
            return Why(
                waits_for=WaitsFor.RESUME,
                sentence=f"waits for a `resume`: it was paused {when}{because}",
            )
        case JobState.CANCELLED:
            told = f"waits for nothing more: it was cancelled {when}{because}"
        case JobState.QUARANTINED:
            told = f"waits for somebody to look: {_quarantine(job)} {when}{because}"
        case _:
            told = f"waits for nothing more: it failed {when}{because}"
    return Why(waits_for=WaitsFor.RETRY, sentence=told + retry)


def _quarantine(job: JobSeen) -> str:
    given_up = [seen.name for seen in job.shards if seen.is_given_up]
    if not given_up:
        return "a part of it was put into quarantine"
    were = "was" if len(given_up) == 1 else "were"
    return f"the rest is done, but {named(given_up)} {were} put into quarantine"


def _under_way(scene: Scene) -> Why:
    job, farm = scene.job, scene.present_farm
    if farm is None:
        return _no_farm(scene)
    if job.plan is None:
        before = f"; {counted(scene.ahead, 'job')} of the queue before it" if scene.ahead else ""
        return Why(waits_for=WaitsFor.PLAN, sentence=f"waits for the farm to plan it{before}")
    return _ending(job) if job.stage is None else _in_stage(scene, farm)


def _no_farm(scene: Scene) -> Why:
    told = "none has ever told of itself in this store"
    near = scene.starting_farm
    if near is not None:
        since = span(scene.now_s - near.at_s)
        told = f"the one on {near.controller} began to start {since} ago, and is not up yet"
    elif scene.farm is not None and scene.farm.is_starting:
        told = f"the one on {scene.farm.controller} began to start, and never came up"
    elif scene.farm is not None:
        silent = span(scene.now_s - scene.farm.at_s)
        told = f"the last one, {scene.farm.controller}, has been silent for {silent}"
    return Why(waits_for=WaitsFor.FARM, sentence=f"waits for a farm: {told}")


def _in_stage(scene: Scene, farm: FarmSeen) -> Why:
    """Of a job some of whose present stage is still to be committed."""
    job = scene.job
    shards = job.of(job.stage) if job.stage else ()
    answers = [
        (seen, shard_over(seen) or shard_under_way(scene, farm, seen))
        for seen in shards
        if seen.commit is None
    ]
    at_work = [seen for seen, answer in answers if answer.waits_for is WaitsFor.WORK]
    waiting = [(seen, answer) for seen, answer in answers if seen not in at_work]
    # What was given up is told last, and waits for nothing that the farm could do.
    waiting.sort(key=lambda pair: pair[0].is_given_up)
    doing = f"is at its {job.stage} stage"
    if not at_work:
        seen, answer = waiting[0]
        more = _more([each for each, _ in waiting[1:]])
        return replace(answer, sentence=f"{doing}: {seen.name} {answer.sentence}{more}")
    workers = sorted({seen.running.worker for seen in at_work if seen.running})
    rest = f"; {waiting[0][0].name} {waiting[0][1].sentence}" if waiting else ""
    are = "is" if len(at_work) == 1 else "are"
    return Why(
        waits_for=WaitsFor.WORK,
        sentence=f"{doing}: {len(at_work)} of {counted(len(shards), 'shard')} {are} being done by"
        f" {named(workers)}{rest}",
    )


def _more(others: list[ShardSeen]) -> str:
    given_up = [seen.name for seen in others if seen.is_given_up]
    count = len(others) - len(given_up)
    words = f", and so with {count} more" if count else ""
    return words + (f"; {named(given_up)} had to be given up" if given_up else "")


def _ending(job: JobSeen) -> Why:
    if job.state is JobState.VERIFYING:
        return Why(
            waits_for=WaitsFor.VERIFYING,
            sentence="is put together, and waits for the proof that it is whole",
        )
    return Why(
        waits_for=WaitsFor.PUBLISHING,
        sentence="is put together, and waits for the farm to publish it",
    )
