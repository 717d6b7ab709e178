"""Where Prometheus finds the metrics: served over HTTP, or left in a file for a process that is.

It does not know which metrics. A controller leaves its own in a file, and `farm up`, which lives on
when the controller and Ray die, serves what is in it beside its own.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, start_http_server
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from bodyswap.errors import UsageError

LEAVE_EVERY_S = 1.0
STALE_AFTER_S = 30.0
"""A file that was not written for so long is of a controller that is gone, or hangs."""


@contextmanager
def served(collectors: Iterable[Collector], address: str | None) -> Iterator[None]:
    """Serve them at "HOST:PORT" while the block runs, or nowhere.

    Raises:
        UsageError: that is no address, or not to be had.
    """
    if address is None:
        yield
        return
    host, _, port = address.rpartition(":")
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    try:
        server, thread = start_http_server(int(port), addr=host, registry=registry)
    except (OSError, ValueError, OverflowError) as error:
        raise UsageError(
            f"metrics cannot be served at '{address}': {error}; write it like 127.0.0.1:9400"
        ) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def left_in(collector: Collector, path: Path | None) -> Iterator[None]:
    """Write what there is to `path` every `LEAVE_EVERY_S` while the block runs, or nowhere."""
    if path is None:
        yield
        return
    registry, is_over = CollectorRegistry(), threading.Event()
    registry.register(collector)

    def leave() -> None:
        while not is_over.wait(LEAVE_EVERY_S):
            _write(path, registry)

    thread = threading.Thread(target=leave, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
        path.unlink(missing_ok=True)


class Left(Collector):
    """What a process left in a file, as long as it goes on leaving it."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path, self._clock = path, clock

    @property
    def is_fresh(self) -> bool:
        try:
            return self._clock() - self._path.stat().st_mtime < STALE_AFTER_S
        except FileNotFoundError:
            return False

    def collect(self) -> Iterator[Metric]:
        if self.is_fresh:
            yield from text_string_to_metric_families(self._path.read_text())  # type: ignore[no-untyped-call]  # the client's types are partial


class Registered(Collector):
    """All of a registry, after `refresh`."""

    def __init__(self, registry: CollectorRegistry, refresh: Callable[[], None]) -> None:
        self._registry, self._refresh = registry, refresh

    def collect(self) -> Iterator[Metric]:
        self._refresh()
        yield from self._registry.collect()


def _write(path: Path, registry: CollectorRegistry) -> None:
    arriving = path.with_name(f"{path.name}.arriving")
    arriving.write_bytes(generate_latest(registry))  # type: ignore[no-untyped-call]  # the client's types are partial
    arriving.replace(path)
