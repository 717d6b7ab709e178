"""The pages people look at: the list of jobs, a job, signing in. Rendered here, no build step."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response
from starlette.templating import Jinja2Templates

from bodyswap.errors import UsageError
from cluster.jobs.listing import job_name
from cluster.jobs.progress import JobStatus
from cluster.review.answers import ShardAnswer
from cluster.review.api import rerender_frames
from cluster.review.desk import COOKIE, DeskPart, EverythingPart, JobPart, VisitorPart
from cluster.review.visitors import Visitor
from cluster.telling.attempt_log import AttemptLog
from cluster.telling.job_words import joins_sentence, seen

router = APIRouter()
_templates = Jinja2Templates(directory=Path(__file__).parent / "templates")
_SHEET = 12
_MOST_SHOWN = 200
_LONGEST_SECRET = 4096


def _sentence(status: JobStatus) -> str:
    if status.frames_total:
        return seen(status).sentence().removeprefix(f"{status.state}: ")
    return ": ".join(filter(None, [status.state, status.message]))


_templates.env.filters["sentence"] = _sentence


@router.get("/")
def jobs_page(request: Request, desk: DeskPart, visitor: VisitorPart, q: str = "") -> Response:
    """Every job; guests of one job are taken to it."""
    if visitor.job is not None:
        return RedirectResponse(f"/jobs/{visitor.job}", status_code=303)
    return _page(request, "jobs.html", visitor, q=q[:120], **_rows(desk, q))


@router.get("/jobs-table")
def jobs_table(request: Request, desk: DeskPart, visitor: EverythingPart, q: str = "") -> Response:
    """The table alone, for the page to keep itself fresh."""
    return _page(request, "jobs_table.html", visitor, q=q[:120], **_rows(desk, q))


@router.get("/jobs/{job}")
def job_page(job: JobPart, request: Request, desk: DeskPart, visitor: VisitorPart) -> Response:
    """One shot, to be looked at."""
    spec = desk.shots.spec(job)
    first = spec.plate.first_number
    numbers = range(spec.frames.start + first, spec.frames.stop + first)
    step = max(1, len(numbers) // _SHEET)
    return _page(
        request, "job.html", visitor, job=job, name=job_name(spec), spec=spec,
        consent=desk.shots.consent(job), sheet=list(numbers[step // 2 :: step])[:_SHEET],
        first=numbers[0], last=numbers[-1], **_live(desk, job),
    )  # fmt: skip


@router.get("/jobs/{job}/live")
def job_live(job: JobPart, request: Request, desk: DeskPart, visitor: VisitorPart) -> Response:
    """The part of the job's page that changes while it renders."""
    return _page(request, "job_live.html", visitor, job=job, **_live(desk, job))


@router.get("/jobs/{job}/log/{shard}")
def shard_log(
    job: JobPart, shard: str, request: Request, desk: DeskPart, visitor: VisitorPart
) -> Response:
    """What a shard's attempts said."""
    desk.shots.spec(job)
    logs: tuple[AttemptLog, ...] = desk.shots.client().logs(job, shard[:40])
    return _page(request, "log.html", visitor, job=job, shard=shard[:40], logs=logs)


@router.post("/jobs/{job}/verdict")
def verdict(
    job: JobPart, request: Request, desk: DeskPart, visitor: VisitorPart,
    ruling: Annotated[str, Form()], note: Annotated[str, Form(max_length=2000)] = "",
) -> Response:  # fmt: skip
    """Approve or reject the shot, with a note."""
    desk.shots.spec(job)
    client = desk.shots.client(visitor.name)
    if ruling not in ("approve", "reject"):
        raise UsageError(f"'{ruling[:20]}' is no verdict; approve or reject")
    entry = client.approve(job, note) if ruling == "approve" else client.reject(job, note)
    desk.shots.glances.forget()
    said = f"{entry.why}, as {entry.by} says"
    return _page(request, "job_live.html", visitor, job=job, said=said, **_live(desk, job))


@router.post("/jobs/{job}/rerender")
def rerender(
    job: JobPart, request: Request, desk: DeskPart, visitor: VisitorPart,
    frames: Annotated[str, Form(max_length=40)],
) -> Response:  # fmt: skip
    """Render some frames once more."""
    asked = rerender_frames(desk, visitor, job, frames)
    return _page(request, "rerender.html", visitor, asked=asked)


@router.post("/jobs/{job}/share")
def share(
    job: JobPart, request: Request, desk: DeskPart, visitor: VisitorPart,
    hours: Annotated[float, Form(gt=0.001, le=720)] = 24,
) -> Response:  # fmt: skip
    """Make a link that shows this job alone."""
    desk.shots.spec(job)
    secret = desk.visitors.share(job, visitor, lasts_s=round(hours * 3600))
    link = f"{request.base_url}share/{secret}"
    return _page(request, "share.html", visitor, link=link, hours=hours)


@router.get("/share/{secret}")
def open_share(secret: str, request: Request, desk: DeskPart) -> Response:
    """Come in by a share link."""
    visitor = desk.visitors.of(secret[: _LONGEST_SECRET + 1])
    return _let_in(request, secret, f"/jobs/{visitor.job}" if visitor.job else "/")


@router.get("/sign-in")
def sign_in_page(request: Request) -> Response:
    return _page(request, "sign_in.html", None)


@router.post("/sign-in")
def sign_in(
    request: Request, desk: DeskPart, token: Annotated[str, Form(max_length=_LONGEST_SECRET)]
) -> Response:
    """Show a token once; the browser shows it from then on."""
    desk.visitors.of(token.strip())
    return _let_in(request, token.strip(), "/")


@router.post("/sign-out")
def sign_out() -> Response:
    """Forget the visitor's token."""
    answer = RedirectResponse("/sign-in", status_code=303)
    answer.delete_cookie(COOKIE)
    return answer


def error_page(request: Request, status: int, message: str) -> Response:
    """What went wrong, for people."""
    answer = _page(request, "error.html", None, status=status, message=message)
    answer.status_code = status
    return answer


def _let_in(request: Request, secret: str, where: str) -> Response:
    answer = RedirectResponse(where, status_code=303)
    answer.set_cookie(
        COOKIE, secret, httponly=True, samesite="lax", secure=request.url.scheme == "https"
    )
    return answer


def _rows(desk: DeskPart, pattern: str) -> dict[str, object]:
    jobs = desk.shots.jobs(pattern.strip()[:120])
    return {"jobs": jobs[:_MOST_SHOWN], "more": max(0, len(jobs) - _MOST_SHOWN)}


def _live(desk: DeskPart, job: str) -> dict[str, object]:
    status = desk.shots.status(job)
    shards = desk.shots.shards(job)
    rulings = [entry for entry in desk.shots.seen(job).entries if entry.ruling is not None]
    return {
        "status": status,
        "joins": joins_sentence(status.joins) if status.joins else "",
        "stages": _by_stage(shards),
        "errors": [shard for shard in shards if shard.errors],
        "why": desk.shots.why(job, None).sentence,
        "ruling": rulings[-1] if rulings else None,
    }


def _by_stage(shards: tuple[ShardAnswer, ...]) -> dict[str, list[ShardAnswer]]:
    found: dict[str, list[ShardAnswer]] = {}
    for shard in shards:
        found.setdefault(str(shard.stage), []).append(shard)
    return found


def _page(request: Request, template: str, visitor: Visitor | None, **facts: object) -> Response:
    return _templates.TemplateResponse(request, template, {"visitor": visitor, **facts})
