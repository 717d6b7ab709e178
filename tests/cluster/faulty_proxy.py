"""An HTTP proxy between a client and a store that counts bytes and makes trouble when told to."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_BLOCK = 1 << 16
_ERROR = "<?xml version='1.0'?><Error><Code>{}</Code><Message>on purpose</Message></Error>"


@dataclass(kw_only=True)
class Fault:
    """What goes wrong with the next `times` requests of `method` whose target holds `part`.

    `kind`: "500", "503" and "403" are answered in place of the server, with `code` in the body;
    "drop request" closes before the server hears of it, "drop answer" after the server did it,
    "half answer" in the middle of what it says; "slow" waits `wait_s` first.
    """

    kind: str
    method: str = ""
    part: str = ""
    times: int = 1
    code: str = "InternalError"
    wait_s: float = 0.0

    def fits(self, method: str, target: str) -> bool:
        return self.times > 0 and self.method in ("", method) and self.part in target


@dataclass
class Wire:
    """What went over the proxy, and what is to go wrong there."""

    url: str = ""
    sent_bytes: int = 0
    received_bytes: int = 0
    requests: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def forget(self) -> None:
        self.sent_bytes = self.received_bytes = 0
        self.requests.clear()

    def fault_for(self, method: str, target: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.fits(method, target):
                    fault.times -= 1
                    return fault
        return None


@contextmanager
def run_proxy(upstream: str) -> Iterator[Wire]:
    """A proxy to the server at the URL `upstream`, while the block runs."""
    wire = Wire()
    server = _Server(wire, urlsplit(upstream).netloc)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    wire.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield wire
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, wire: Wire, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.wire, self.upstream = wire, upstream


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.server.wire.lock:
            self.server.wire.sent_bytes += len(body)
            self.server.wire.requests.append((self.command, self.path))
        fault = self.server.wire.fault_for(self.command, self.path)
        kind = fault.kind if fault else ""
        if fault and kind == "slow":
            time.sleep(fault.wait_s)
        if kind == "drop request":
            self.close_connection = True
        elif fault and kind.isdigit():
            self._refuse(int(kind), fault.code)
        else:
            self._forward(body, kind)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any

    def _refuse(self, status: int, code: str) -> None:
        told = b"" if self.command == "HEAD" else _ERROR.format(code).encode()
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def _forward(self, body: bytes, kind: str) -> None:
        server = http.client.HTTPConnection(self.server.upstream, timeout=60)
        try:
            server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in ("expect", "connection"):
                    server.putheader(name, value)
            server.endheaders(body)
            answer = server.getresponse()
            data = answer.read()
        except OSError:
            self.close_connection = True
            return
        finally:
            server.close()
        if kind == "drop answer":
            self.close_connection = True
            return
        self._answer(answer, data, data[: len(data) // 2] if kind == "half answer" else data)

    def _answer(self, answer: http.client.HTTPResponse, data: bytes, told: bytes) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(data)))
        self.end_headers()
        for start in range(0, len(told), _BLOCK):
            self.wfile.write(told[start : start + _BLOCK])
        with self.server.wire.lock:
            self.server.wire.received_bytes += len(told)
        if len(told) < len(data):
            self.close_connection = True

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass
