"""The JSON API: the facts that the command line's --json tells, and what it asks."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from bodyswap.errors import UsageError
from bodyswap.joins import Join
from cluster.jobs.journal import Entry
from cluster.jobs.progress import JobProgress, JobSummary
from cluster.review.answers import (
    ConsentAnswer,
    ErrorAnswer,
    PoseAnswer,
    RerenderAnswer,
    RulingAnswer,
    ShardAnswer,
    ShareAnswer,
    StatusAnswer,
    TimelineAnswer,
)
from cluster.review.desk import Desk, DeskPart, EverythingPart, JobPart, NumberPart, VisitorPart
from cluster.review.shots import NotThereError
from cluster.review.visitors import Visitor
from cluster.telling.attempt_log import AttemptLog
from cluster.telling.scene import Why

ERRORS: dict[int | str, dict[str, object]] = {
    400: {"model": ErrorAnswer, "description": "What was asked cannot be"},
    401: {"model": ErrorAnswer, "description": "Nobody is known by this token"},
    403: {"model": ErrorAnswer, "description": "Not allowed, or no consent covers it"},
    404: {"model": ErrorAnswer, "description": "No such job, shard or frame, or not there yet"},
    409: {"model": ErrorAnswer, "description": "The job is not in a state for this"},
    422: {"model": ErrorAnswer, "description": "What was sent cannot be read"},
    503: {"model": ErrorAnswer, "description": "The store failed; try again"},
}
router = APIRouter(prefix="/api", responses=ERRORS, tags=["jobs"])

ShardQuery = Annotated[
    str | None, Query(max_length=40, description="A shard's name, such as render-2.")
]


class Note(BaseModel):
    """What a judge says besides."""

    model_config = ConfigDict(extra="forbid")
    note: str = Field(default="", max_length=2000)


class FramesWish(BaseModel):
    """Which frames, as people number them."""

    model_config = ConfigDict(extra="forbid")
    frames: str = Field(pattern=r"^[0-9]{1,9}(-[0-9]{1,9})?$", examples=["1040-1060"])


class ShareWish(BaseModel):
    """For how long a link is to show the job."""

    model_config = ConfigDict(extra="forbid")
    hours: float = Field(default=24, gt=0.001, le=720)


@router.get("/jobs")
def list_jobs(
    desk: DeskPart,
    visitor: EverythingPart,
    pattern: Annotated[str, Query(max_length=120, description="Such as SH0*.")] = "",
) -> tuple[JobSummary, ...]:
    """The store's jobs, the latest submitted first; none where the pattern fits none."""
    return desk.shots.jobs(pattern)


@router.get("/jobs/{job}")
def status(job: JobPart, desk: DeskPart, visitor: VisitorPart) -> StatusAnswer:
    """How far the job is, what it cost, and how its joins came out."""
    return desk.shots.status(job)


@router.get("/jobs/{job}/progress")
def progress(job: JobPart, desk: DeskPart, visitor: VisitorPart) -> JobProgress:
    """How far it is, stage by stage."""
    desk.shots.spec(job)
    return desk.shots.glances.get(("progress", job), lambda: desk.shots.client().progress(job))


@router.get("/jobs/{job}/why")
def why(job: JobPart, desk: DeskPart, visitor: VisitorPart, shard: ShardQuery = None) -> Why:
    """What the job, or one shard of it, waits for."""
    return desk.shots.why(job, shard)


@router.get("/jobs/{job}/shards")
def shards(job: JobPart, desk: DeskPart, visitor: VisitorPart) -> tuple[ShardAnswer, ...]:
    """Every shard, how far it is, and what went wrong with it."""
    return desk.shots.shards(job)


@router.get("/jobs/{job}/joins")
def joins(job: JobPart, desk: DeskPart, visitor: VisitorPart) -> tuple[Join, ...]:
    """Where the shards of a published shot meet, and how that came out."""
    return desk.shots.status(job).joins


@router.get("/jobs/{job}/logs")
def logs(
    job: JobPart, desk: DeskPart, visitor: VisitorPart, shard: ShardQuery = None
) -> tuple[AttemptLog, ...]:
    """What is kept of every attempt."""
    desk.shots.spec(job)
    return desk.shots.client().logs(job, shard)


@router.get("/jobs/{job}/timeline")
def timeline(job: JobPart, desk: DeskPart, visitor: VisitorPart) -> TimelineAnswer:
    """The frames' times and names, what is rendered, and the graphs under them."""
    return desk.shots.timeline(job)


@router.get("/jobs/{job}/poses/{number}")
def pose(job: JobPart, number: NumberPart, desk: DeskPart, visitor: VisitorPart) -> PoseAnswer:
    """The performer's pose at a frame, and the subject's."""
    desk.viewing.check(job, visitor.name)
    return desk.shots.pose(job, number)


@router.get("/jobs/{job}/consent")
def consent(job: JobPart, desk: DeskPart, visitor: VisitorPart) -> ConsentAnswer:
    """Whether a consent covers the shot now, and what the deliverables carry."""
    return desk.shots.consent(job)


@router.post("/jobs/{job}/approve")
def approve(job: JobPart, said: Note, desk: DeskPart, visitor: VisitorPart) -> RulingAnswer:
    """Say that the published shot is good."""
    desk.shots.spec(job)
    return _ruling(job, desk.shots.client(visitor.name).approve(job, said.note))


@router.post("/jobs/{job}/reject")
def reject(job: JobPart, said: Note, desk: DeskPart, visitor: VisitorPart) -> RulingAnswer:
    """Say that the published shot is not good."""
    desk.shots.spec(job)
    return _ruling(job, desk.shots.client(visitor.name).reject(job, said.note))


@router.post("/jobs/{job}/rerender")
def rerender(
    job: JobPart, wish: FramesWish, desk: DeskPart, visitor: VisitorPart
) -> RerenderAnswer:
    """Render the shards that hold these frames once more, as `retry --frames` does."""
    return rerender_frames(desk, visitor, job, wish.frames)


@router.post("/jobs/{job}/share")
def share(job: JobPart, wish: ShareWish, desk: DeskPart, visitor: VisitorPart) -> ShareAnswer:
    """A link that shows this job, and nothing else, to whoever has it."""
    desk.shots.spec(job)
    lasts_s = max(1, round(wish.hours * 3600))
    secret = desk.visitors.share(job, visitor, lasts_s=lasts_s)
    return ShareAnswer(path=f"/share/{secret}", lasts_s=lasts_s)


def rerender_frames(desk: Desk, visitor: Visitor, job: str, frames: str) -> RerenderAnswer:
    """Ask for it in the visitor's name.

    Raises:
        NotThereError: the job has no such frames.
        JobError: it is published, or they are still to be rendered.
    """
    desk.shots.spec(job)
    client = desk.shots.client(visitor.name)
    try:
        shards = client.render_shards(job, frames)
    except UsageError as error:
        raise NotThereError(str(error)) from error
    client.retry(job, shards)
    desk.shots.glances.forget()
    return RerenderAnswer(job=job, frames=frames, shards=shards)


def _ruling(job: str, entry: Entry) -> RulingAnswer:
    return RulingAnswer(
        job=job, ruling=str(entry.ruling), by=entry.by, at=entry.at_s, why=entry.why
    )
