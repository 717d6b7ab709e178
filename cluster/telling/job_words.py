"""Jobs as lines for people and as JSON for programs. It does not know where they are told."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bodyswap.joins import Join
from bodyswap.terminal import WorkSeen, say
from cluster.jobs.control import Request, Verb
from cluster.jobs.job import JobState
from cluster.jobs.journal import Entry
from cluster.jobs.progress import JobProgress, JobStatus, JobSummary
from cluster.telling.attempt_log import AttemptLog
from cluster.telling.sentence_parts import counted

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


def tell_status(status: JobStatus, joins: Sequence[Join] = (), *, as_json: bool) -> None:
    """How far the job is; once there are joins, how they came out."""
    if as_json:
        say(json.dumps(asdict(status) | {"joins": [asdict(join) for join in joins]}))
        return
    # Only of a finished shot is it known what a finished minute came to.
    frames = status.frames_total if status.state is JobState.PUBLISHED else None
    cost = f"; {status.account.sentence(frames)}" if status.account else ""
    joined = f"; {joins_sentence(joins)}" if joins else ""
    reused = f"; {counted(status.shards_reused, 'shard')} reused" if status.shards_reused else ""
    say(f"{status.job}  {_how_far(status)}{reused}{_ignored(status)}{cost}{joined}")


def _ignored(status: JobStatus) -> str:
    """What the farm heard and did not go by, if anything."""
    told = [
        f"{count} {kind}"
        for kind, count in (("repeated", status.reports_repeated), ("stale", status.reports_stale))
        if count
    ]
    count = status.reports_repeated + status.reports_stale
    return f"; {' and '.join(told)} report{'s' * (count != 1)} ignored" if told else ""


def joins_sentence(joins: Sequence[Join]) -> str:
    """Such as "3 joins, worst block 0.42 levels, 1 mended"."""
    scores = [join.score for join in joins if join.score is not None]
    told = [f"{len(scores)} join{'s' * (len(scores) != 1)}"]
    if scores:
        told.append(f"worst block {max(score.block for score in scores):.2f} levels")
    mended, cuts = sum(bool(join.mended_frames) for join in joins), len(joins) - len(scores)
    told += [f"{mended} mended"] * bool(mended) + [f"{cuts} at cuts"] * bool(cuts)
    return ", ".join(told)


def tell_joins(joins: Sequence[Join], first_number: int, *, as_json: bool) -> None:
    """A line a join: the frame after it, and how it came out.

    `first_number` is that of the plate's first frame.
    """
    if as_json:
        for join in joins:
            say(json.dumps(asdict(join)))
        return
    for join in joins:
        number = join.frame + first_number
        if join.score is None:
            say(f"{number}  a cut of the plate")
            continue
        ratio = "unknown" if join.warping_ratio is None else f"{join.warping_ratio:.3f}"
        mended = f", {join.mended_frames} frames mended" if join.mended_frames else ""
        say(f"{number}  block {join.score.block:.2f} levels, warping ratio {ratio}{mended}")


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
    """Say what attempts said, one after the other."""
    for log in logs:
        if as_json:
            say(json.dumps(asdict(log)))
            continue
        say(f"== {log.shard}, attempt {log.attempt}: {log.outcome}")
        say(log.text.rstrip() or "(no log was kept of it)")


def tell_request(job: str, request: Request, *, as_json: bool) -> None:
    """Say what was asked of a job."""
    told = {"job": job, **asdict(request)}
    say(json.dumps(told) if as_json else f"{job}  {_DOING[request.verb]}")


def tell_ruling(job: str, entry: Entry, *, as_json: bool) -> None:
    """Say how a shot was judged, and by whom."""
    told = {"job": job, "ruling": entry.ruling, "by": entry.by, "at": entry.at_s, "why": entry.why}
    say(json.dumps(told) if as_json else f"{job}  {entry.why}, as {entry.by} says")


def tell_files(job: str, files: tuple[Path, ...], *, as_json: bool) -> None:
    """Say which files a job's deliverables became."""
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
