"""Jobs as lines for people and as JSON for programs. It does not know where they are told."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bodyswap.terminal import WorkSeen, say
from cluster.attempt_log import AttemptLog
from cluster.control import Request, Verb
from cluster.journal import Entry
from cluster.progress import JobProgress, JobStatus, JobSummary

_DOING = {
    Verb.PAUSE: "is asked to pause; what runs is let finish",
    Verb.RESUME: "is asked to go on",
    Verb.CANCEL: "is asked to stop for good; what is committed stays for a retry",
    Verb.RETRY: "is asked to try again",
    Verb.PRIORITY: "is asked to change its priority",
}


def seen(status: JobStatus) -> WorkSeen:
    """The status as progress."""
    return WorkSeen(
        stage=status.state,
        done=status.frames_done,
        total=status.frames_total,
        shards_done=status.shards_done,
        shards_total=status.shards_total,
        rate_per_s=status.frames_per_s,
        left_s=status.eta_s,
        note=status.message,
    )


def stages_seen(progress: JobProgress) -> tuple[WorkSeen, ...]:
    """A line for each stage that has begun; for the state alone before there is a plan."""
    status = progress.status
    begun = [stage for stage in progress.stages if stage.shards_done or stage.stage is status.stage]
    if not begun:
        return (seen(status),)
    return tuple(
        WorkSeen(
            stage=stage.stage,
            done=stage.frames_done,
            total=stage.frames_total,
            shards_done=stage.shards_done,
            shards_total=stage.shards_total,
            rate_per_s=status.frames_per_s if stage.stage is status.stage else None,
            left_s=status.eta_s if stage.stage is status.stage else None,
            note=status.message if stage.stage is status.stage else "",
        )
        for stage in begun
    )


def tell_status(status: JobStatus, *, as_json: bool) -> None:
    say(json.dumps(asdict(status)) if as_json else f"{status.job}  {_how_far(status)}")


def tell_list(jobs: Sequence[JobSummary], *, as_json: bool) -> None:
    """A line a job, columns aligned."""
    if as_json:
        for job in jobs:
            say(json.dumps(asdict(job)))
        return
    whose = [f"{job.project}/{job.submitted_by or 'somebody'}" for job in jobs]
    width = max((len(job.name) for job in jobs), default=0)
    for job, who in zip(jobs, whose, strict=True):
        who = who.ljust(max(map(len, whose)))
        say(f"{job.job}  {job.name:<{width}}  {job.priority:2d}  {who}  {_how_far(job.status)}")


def tell_logs(logs: Sequence[AttemptLog], *, as_json: bool) -> None:
    for log in logs:
        if as_json:
            say(json.dumps(asdict(log)))
            continue
        say(f"== {log.shard}, attempt {log.attempt}: {log.outcome}")
        say(log.text.rstrip() or "(no log was kept of it)")


def tell_request(job: str, request: Request, *, as_json: bool) -> None:
    told = {"job": job, **asdict(request)}
    say(json.dumps(told) if as_json else f"{job}  {_DOING[request.verb]}")


def tell_ruling(job: str, entry: Entry, *, as_json: bool) -> None:
    told = {"job": job, "ruling": entry.ruling, "by": entry.by, "at": entry.at_s, "why": entry.why}
    say(json.dumps(told) if as_json else f"{job}  {entry.why}, as {entry.by} says")


def tell_files(job: str, files: tuple[Path, ...], *, as_json: bool) -> None:
    if as_json:
        say(json.dumps({"job": job, "files": [str(path) for path in files]}))
        return
    for path in files:
        say(str(path))


def _how_far(status: JobStatus) -> str:
    # A job that has not begun has no frames to count.
    if status.frames_total:
        return seen(status).sentence()
    return ": ".join(filter(None, [status.state, status.message]))
