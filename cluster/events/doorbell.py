"""The HTTP door for stores that push their notices: MinIO's and Ceph's webhooks.

    POST /events   Authorization: Bearer <token>   body: a notification

It answers 200 when every arrival is durable, 400 to what is no notification, 401 without the
token, 503 where the store fails, so that the sender tries again. It does not know rules.
"""

import hmac
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bodyswap.errors import StoreError, UsageError
from cluster.events.notification import (
    MOST_BODY_BYTES,
    NotificationError,
    PlacedObject,
    read_notification,
)

Hear = Callable[[PlacedObject], bool]


def doorbell_app(hear: Hear, token: str) -> Starlette:
    """The application; `hear` makes an arrival durable, and an empty token lets anybody in."""

    async def events(request: Request) -> JSONResponse:
        if not _is_let_in(request, token):
            return _answer(401, "give the token as 'Authorization: Bearer ...'")
        try:
            placed = read_notification(await _body(request))
        except NotificationError as error:
            return _answer(400, str(error))
        try:
            new = [await run_in_threadpool(hear, one) for one in placed]
        except StoreError as error:
            return _answer(503, str(error))
        return JSONResponse({"heard": len(new), "new": sum(new)})

    return Starlette(routes=[Route("/events", events, methods=["POST"])])


@contextmanager
def open_doorbell(hear: Hear, address: str, token: str) -> Iterator[int]:
    """Answer at `host:port` in a thread while the block runs; the port, chosen where 0 was given.

    Raises:
        UsageError: the address cannot be used, or reaches beyond this machine without a token.
    """
    host, port = split_address(address)
    if not token and host not in ("127.0.0.1", "localhost", "::1"):
        raise UsageError(f"{address} is reached by others: set BODYSWAP_EVENT_TOKEN to a secret")
    try:
        listening = socket.create_server((host, port))
    except OSError as error:
        raise UsageError(f"cannot listen at {address}: {error.strerror}") from error
    server = uvicorn.Server(
        uvicorn.Config(doorbell_app(hear, token), log_level="warning", lifespan="off")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def split_address(address: str) -> tuple[str, int]:
    """Host and port of "host:port". Raises UsageError where it is none."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"'{address}' is no host:port such as 127.0.0.1:8780")
    return host.strip("[]"), int(port)


def _is_let_in(request: Request, token: str) -> bool:
    given = request.headers.get("authorization", "")
    return not token or hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY_BYTES:
            raise NotificationError(f"more than {MOST_BODY_BYTES} bytes are no notification")
    return bytes(body)


def _answer(status: int, why: str) -> JSONResponse:
    return JSONResponse({"error": why}, status_code=status)
