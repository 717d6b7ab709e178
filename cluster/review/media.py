"""Pictures and films over HTTP: the growing preview, the plate, exact frames, deliverables."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from bodyswap.errors import JobError
from cluster.delivering.preview import playlist
from cluster.delivering.publish import Deliverable
from cluster.jobs.keys import plate_file
from cluster.review.api import ERRORS
from cluster.review.desk import Desk, DeskPart, JobPart, NumberPart, VisitorPart
from cluster.review.frame_pictures import Layer, PictureKind
from cluster.review.ranges import answer_object

router = APIRouter(prefix="/media", responses=ERRORS, tags=["media"])

_TYPES = {
    "mp4": "video/mp4", "mov": "video/quicktime", "json": "application/json", "png": "image/png",
}  # fmt: skip
RangeHeader = Annotated[str | None, Header(alias="Range", max_length=100)]
FILM: dict[int | str, dict[str, object]] = {
    200: {"content": {"video/mp4": {}, "application/octet-stream": {}}},
    206: {"description": "The range asked for"},
    416: {"description": "There is no such range"},
}
PLAYLIST = "application/vnd.apple.mpegurl"


@router.get(
    "/{job}/live.m3u8", response_class=Response, responses={200: {"content": {PLAYLIST: {}}}}
)
def live(job: JobPart, desk: DeskPart, visitor: VisitorPart) -> Response:
    """What of the shot is rendered so far, as an HLS playlist that grows."""
    desk.viewing.check(job, visitor.name)
    preview = desk.shots.preview(job)
    if not preview.segments:
        raise JobError(f"nothing of job {job} is rendered yet")
    text = playlist(preview, lambda _, segment: f"segments/{segment.frames.start}.mp4")
    return Response(text, media_type=PLAYLIST, headers={"Cache-Control": "no-store"})


@router.get("/{job}/segments/{start}.mp4", response_class=Response, responses=FILM)
def segment(
    job: JobPart, start: NumberPart, desk: DeskPart, visitor: VisitorPart,
    ranges: RangeHeader = None,
) -> Response:  # fmt: skip
    """The committed segment whose first frame has this index."""
    desk.viewing.check(job, visitor.name)
    for part in desk.shots.preview(job).segments:
        if part.frames.start == start:
            tag = part.key.replace("/", "-")[-120:]
            return answer_object(
                desk.shots.store, part.key, tag=tag, media_type="video/mp4", ranges=ranges
            )
    raise JobError(f"job {job} has no finished segment that begins at {start}")


@router.get("/{job}/plate", response_class=Response, responses=FILM)
def plate(
    job: JobPart, desk: DeskPart, visitor: VisitorPart, ranges: RangeHeader = None
) -> Response:
    """The plate as it was put in."""
    desk.viewing.check(job, visitor.name)
    ref = desk.shots.spec(job).plate
    kind = _media_type(ref.name)
    return answer_object(
        desk.shots.store, plate_file(ref), tag=ref.sha256, media_type=kind, ranges=ranges
    )


@router.get("/{job}/files/{name}", response_class=Response, responses=FILM)
def deliverable(
    job: JobPart, name: str, desk: DeskPart, visitor: VisitorPart, ranges: RangeHeader = None
) -> Response:
    """A file of the published shot; each time, the audit log hears of it."""
    found = {file.name: file for file in _manifest_files(desk, job)}.get(name)
    if found is None:
        raise JobError(f"job {job} delivered no file '{name[:80]}'")
    desk.viewing.write(job, visitor.name)
    return answer_object(
        desk.shots.store, found.key, tag=found.sha256, media_type=_media_type(name),
        ranges=ranges, name=found.name,
    )  # fmt: skip


@router.get(
    "/{job}/{layer}/{number}.{kind}", response_class=Response,
    responses={200: {"content": {"image/jpeg": {}, "image/png": {}}}, 304: {}},
)  # fmt: skip
def frame(
    job: JobPart, layer: Layer, number: NumberPart, kind: PictureKind, request: Request,
    desk: DeskPart, visitor: VisitorPart,
    width: Annotated[int | None, Query(ge=16, le=4096, description="No wider than this.")] = None,
) -> Response:  # fmt: skip
    """Exactly this frame of the plate or the render, decoded."""
    desk.viewing.check(job, visitor.name)
    wanted = desk.pictures.wanted(job, layer, number, kind, width)
    headers = {"ETag": wanted.tag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == wanted.tag:
        return Response(status_code=304, headers=headers)
    return Response(desk.pictures.picture(wanted), media_type=kind.media_type, headers=headers)


def _manifest_files(desk: Desk, job: str) -> tuple[Deliverable, ...]:
    desk.shots.spec(job)
    return desk.shots.client().manifest(job).deliverables


def _media_type(name: str) -> str:
    return _TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")
