"""What every route needs at hand, and who is asking: the app's one state.

It does not know the routes.
"""

from dataclasses import dataclass
from typing import Annotated, cast
from urllib.parse import urlsplit

from fastapi import Depends, Path, Request

from cluster.review.frame_pictures import FramePictures
from cluster.review.shots import Shots
from cluster.review.viewing import Viewing
from cluster.review.visitors import NoEntryError, Visitor, Visitors

COOKIE = "bodyswap"
_LOOKS_ONLY = ("GET", "HEAD")


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The shots of one store, and who may look at them."""

    shots: Shots
    pictures: FramePictures
    viewing: Viewing
    visitors: Visitors


class ForbiddenError(NoEntryError):
    """They are known, and may not do this."""


async def desk_of(request: Request) -> Desk:
    return cast(Desk, request.app.state.desk)


async def visitor_of(request: Request) -> Visitor:
    """Who is asking; async, since it waits for nothing and threads are dear.

    Raises:
        NoEntryError: nobody we know.
        ForbiddenError: they may but look, or another site's page asks in their name.
    """
    visitor = (await desk_of(request)).visitors.of(_secret(request))
    if request.method not in _LOOKS_ONLY:
        _check_own_site(request)
        if not visitor.may_act:
            raise ForbiddenError("you may look, but not change anything")
    job = request.path_params.get("job")
    if job is not None and not visitor.may_see(job):
        raise ForbiddenError("the link you came by shows another job")
    return visitor


async def everything_of(visitor: Annotated[Visitor, Depends(visitor_of)]) -> Visitor:
    """Who is asking for what is not about one job. Raises ForbiddenError to guests of one job."""
    if visitor.job is not None:
        raise ForbiddenError("the link you came by shows one job alone")
    return visitor


def _secret(request: Request) -> str | None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and given:
        return given
    return request.cookies.get(COOKIE)


def _check_own_site(request: Request) -> None:
    """A browser says where a request comes from; other programs have nothing to be misled by."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise ForbiddenError("the request comes from another site's page")


DeskPart = Annotated[Desk, Depends(desk_of)]
VisitorPart = Annotated[Visitor, Depends(visitor_of)]
EverythingPart = Annotated[Visitor, Depends(everything_of)]
JobPart = Annotated[
    str, Path(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._=+@-]*$")
]
NumberPart = Annotated[int, Path(ge=0, le=10**9, description="A frame's number, from 1001 on.")]
