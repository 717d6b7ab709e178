"""What a request of somebody's does to a job: the journal entry that answers it.

Pure: `control` is how requests are written, `act` how answers are.
"""

from collections.abc import Callable

from cluster.jobs.control import Request, Verb
from cluster.jobs.job import HIGHEST_PRIORITY, JobState, Stage
from cluster.jobs.journal import Entry
from cluster.jobs.snapshot import JobView


def answer(request: Request, key: str, job: JobView, now_s: float) -> Entry:
    """The entry that does as asked or, where that makes no sense, says why it was not done."""
    change = _ANSWERS[request.verb](request, job)
    if isinstance(change, str):
        # A job's last word stays its last word.
        why = f"{request.verb} was not done: {change}"
        return Entry(state=job.state, at_s=now_s, by=request.by, why=why, request=key)
    state, retried, priority, again = change
    said = request.arguments.get("why")
    return Entry(
        state=state,
        at_s=now_s,
        by=request.by,
        why=str(said) if said else f"{request.verb}, as {request.by or 'somebody'} asked",
        request=key,
        retried=retried,
        priority=priority,
        again=again,
    )


_Change = tuple[JobState, tuple[str, ...], int | None, tuple[str, ...]]


def _pause(request: Request, job: JobView) -> _Change | str:
    return _moved(job, JobState.PAUSED)


def _cancel(request: Request, job: JobView) -> _Change | str:
    return _moved(job, JobState.CANCELLED)


def _resume(request: Request, job: JobView) -> _Change | str:
    if job.state is not JobState.PAUSED:
        return f"the job is {job.state}, not paused"
    return _way_back(job), (), None, ()


def _retry(request: Request, job: JobView) -> _Change | str:
    if job.is_published or job.state is JobState.PUBLISHED:
        return "the job is published"
    failed = {view.shard.name for view in job.shards if view.failures and view.commit is None}
    asked = request.arguments.get("shards")
    named = {str(name) for name in asked} if isinstance(asked, list) else failed
    again = _again(job, named)
    if isinstance(again, str):
        return again
    # A job that is over would be over again at once, were another shard's failures to count on.
    freed = failed if again and job.state.is_final else failed & named
    names = freed | set(again)
    if not names and not job.state.is_final:
        return "no such shard has failed"
    state = _way_back(job) if job.state.is_final else job.state
    return state, tuple(sorted(names)), None, again


def _again(job: JobView, named: set[str]) -> tuple[str, ...] | str:
    """The committed shards among those named, with all that follows from them."""
    done = [view for view in job.shards if view.commit is not None and view.shard.name in named]
    if job.plan is None or not done:
        return ()
    if any(view.shard.stage in (Stage.POSE, Stage.SOLVE) for view in done):
        return "pose and solve are done again only where their settings change: submit it so"
    if job.state in (JobState.ASSEMBLING, JobState.VERIFYING):
        return f"the job is {job.state}; pause it first"
    names = job.plan.following([view.shard.name for view in done], is_chained=job.spec.is_exact)
    held = [held.lease.shard.name for held in job.held if held.lease.shard.name in names]
    if held:
        return f"{held[0]} follows from it and is being worked on; pause the job first"
    # Also what is not committed: somebody whom nobody hears may be at it, with the old inputs.
    return names


def _priority(request: Request, job: JobView) -> _Change | str:
    priority = request.arguments.get("priority")
    if not isinstance(priority, int) or not 0 <= priority <= HIGHEST_PRIORITY:
        return f"priority {priority} is not within 0 to {HIGHEST_PRIORITY}"
    return job.state, (), priority, ()


_ANSWERS: dict[Verb, Callable[[Request, JobView], _Change | str]] = {
    Verb.PAUSE: _pause,
    Verb.RESUME: _resume,
    Verb.CANCEL: _cancel,
    Verb.RETRY: _retry,
    Verb.PRIORITY: _priority,
}


def _moved(job: JobView, state: JobState) -> _Change | str:
    if job.is_published or not job.state.may_become(state):
        return f"the job is {JobState.PUBLISHED if job.is_published else job.state}"
    return state, (), None, ()


def _way_back(job: JobView) -> JobState:
    return JobState.SUBMITTED if job.plan is None else JobState.PLANNED
