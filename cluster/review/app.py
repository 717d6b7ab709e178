"""The application: routes, what every answer says to browsers, and errors as answers.

It does not know jobs.
"""

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bodyswap.errors import BodyswapError, ConsentError, InputError, JobError, StoreError
from cluster.review import api, media, pages
from cluster.review.desk import Desk, ForbiddenError
from cluster.review.frame_pictures import FramePictures
from cluster.review.shots import NotThereError, Shots
from cluster.review.viewing import Viewing
from cluster.review.visitors import NoEntryError, Visitors

STATIC = Path(__file__).parent / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " media-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SAID_TO_BROWSERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NOT_FOR_PEOPLE = ("/api/", "/media/", "/openapi.json")
_SMALLEST_ZIPPED = 1500


def review_app(shots: Shots, visitors: Visitors, *, hosts: tuple[str, ...] = ("*",)) -> FastAPI:
    """The page and the API over `shots`; it answers under `hosts` alone."""
    app = FastAPI(
        title="bodyswap review", docs_url=None, redoc_url=None,
        description="Jobs of a bodyswap farm: how far they are, their pictures, people's verdicts.",
    )  # fmt: skip
    app.state.desk = Desk(
        shots=shots, pictures=FramePictures(shots), viewing=Viewing(shots), visitors=visitors
    )
    app.include_router(api.router)
    app.include_router(media.router)
    app.include_router(pages.router, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(BodyswapError, _error_answer)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _http_answer)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _wrong_answer)  # type: ignore[arg-type]
    app.add_middleware(GZipMiddleware, minimum_size=_SMALLEST_ZIPPED)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    app.add_middleware(SaysToBrowsers)
    return app


class SaysToBrowsers:
    """Adds to every answer what keeps browsers from doing anything but show it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def say(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _SAID_TO_BROWSERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, say if scope["type"] == "http" else send)


def _error_answer(request: Request, error: BodyswapError) -> Response:
    return _said(request, _status_of(request, error), str(error))


def _http_answer(request: Request, error: HTTPException) -> Response:
    answer = _said(request, error.status_code, str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


def _wrong_answer(request: Request, error: RequestValidationError) -> Response:
    wrong = ("/".join(map(str, each["loc"])) + ": " + each["msg"] for each in error.errors())
    return _said(request, 422, "; ".join(wrong))


def _said(request: Request, status: int, message: str) -> Response:
    if request.url.path.startswith(_NOT_FOR_PEOPLE):
        return JSONResponse({"error": message}, status_code=status)
    if status == 401 and request.method == "GET":
        return RedirectResponse("/sign-in", status_code=303)
    return pages.error_page(request, status, message)


def _status_of(request: Request, error: BodyswapError) -> int:
    match error:
        case ForbiddenError() | ConsentError():
            return 403
        case NoEntryError():
            return 401
        case NotThereError():
            return 404
        case JobError():
            return 404 if request.method == "GET" else 409
        case StoreError():
            return 503
        case InputError():
            return 400
        case _:
            return 500
