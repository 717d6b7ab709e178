"""Answer HTTP at an address until told to stop. It does not know what."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from bodyswap.errors import UsageError

_BACKLOG = 1024
_KEPT_OPEN_S = 75
"""Longer than pages wait between two looks, so that none meets a connection just being closed."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises UsageError where that cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise UsageError(f"cannot listen at {host}:{port}: {error.strerror}") from error


def serve(app: ASGIApp, listening: socket.socket) -> None:
    """Answer until the process is told to end."""
    _server(app).run(sockets=[listening])


@contextmanager
def served(app: ASGIApp, host: str = "127.0.0.1") -> Iterator[str]:
    """Answer in a thread while the block runs, at the address given."""
    listening = listen(host, 0)
    server = _server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def _server(app: ASGIApp) -> uvicorn.Server:
    config = uvicorn.Config(
        app, log_level="warning", lifespan="off", access_log=False, backlog=_BACKLOG,
        server_header=False, timeout_keep_alive=_KEPT_OPEN_S,
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    return uvicorn.Server(config)
