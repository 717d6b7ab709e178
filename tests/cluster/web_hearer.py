"""A real HTTP server that webhooks can be posted to, and that fails as a test wants."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook

SECRET = "whsec_dGhpcyBpcyBhIHNlY3JldCBvZiAzMiBieXRlcyBsb25n"


@dataclass
class Hearer:
    """What was heard, each message verified as a receiver would; `answers` are given first."""

    url: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    secret: str = SECRET

    def states(self) -> list[str]:
        return [message["data"]["state"] for message in self.heard]


@contextmanager
def listening(*answers: int | tuple[int, dict[str, str]]) -> Iterator[Hearer]:
    """A server that gives these answers, in turn, and then 204 for ever."""
    hearer = Hearer(answers=[a if isinstance(a, tuple) else (a, {}) for a in answers])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {key.lower(): value for key, value in self.headers.items()}
            message = Webhook(hearer.secret).verify(body, headers)
            assert message == json.loads(body)
            hearer.heard.append(message)
            hearer.ids.append(headers["webhook-id"])
            hearer.paths.append(self.path)
            hearer.headers.append(headers)
            status, extra = hearer.answers.pop(0) if hearer.answers else (204, {})
            self.send_response(status)
            for key, value in extra.items():
                self.send_header(key, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hearer.url = f"http://127.0.0.1:{server.server_port}/hooks/bodyswap"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hearer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
