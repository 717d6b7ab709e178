"""What a worker measures of one attempt while it works; travels with its heartbeats.

It does not know who hears them. Figures are totals since the attempt began, so that one that is
lost on the way is made good by the next.
"""

import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from bodyswap.environment import worker_kind
from bodyswap.steps import StepClock, clocked
from cluster.jobs.lease import Lease
from cluster.stores.tally import TALLY, Tallied, grown


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One attempt so far. `peak_bytes` is by memory, "host" and "gpu", of the worker's process.

    `process` is which one: what it `tallied` is the whole process's.
    """

    kind: str = ""
    process: str = ""
    work_s: float = 0.0
    device_s: float = 0.0
    frames: int = 0
    step_s: Mapping[str, float] = field(default_factory=dict)
    peak_bytes: Mapping[str, float] = field(default_factory=dict)
    tallied: Tallied = field(default_factory=Tallied)

    def since(self, before: "Figures") -> "Figures":
        """What was added after `before`, of the same attempt; peaks stay what they are."""
        return Figures(
            kind=self.kind,
            process=self.process,
            work_s=max(0.0, self.work_s - before.work_s),
            device_s=max(0.0, self.device_s - before.device_s),
            frames=max(0, self.frames - before.frames),
            step_s=grown(self.step_s, before.step_s),
            peak_bytes=self.peak_bytes,
            tallied=self.tallied.since(before.tallied),
        )


class Gauge:
    """Measures the attempts of one worker's process, one after the other."""

    def __init__(self) -> None:
        self._kind = worker_kind()
        self._tallied = Tallied()
        self._begin(None)

    def _begin(self, lease: Lease | None) -> None:
        self._lease: Lease | None = None
        self._clock = StepClock()
        self._began_s = time.monotonic()
        self._ended_s: float | None = None
        self._frames = 0
        self._lease = lease

    @contextmanager
    def measuring(self, lease: Lease) -> Iterator[None]:
        """The block is an attempt; what was asked of the store since the last one is its too."""
        self._begin(lease)
        with clocked(self._clock):
            yield
        self._ended_s = time.monotonic()

    def counting(self, on_frame: Callable[[int], None]) -> Callable[[int], None]:
        """`on_frame`, which besides is counted here."""

        def count(frames_done: int) -> None:
            self._frames = frames_done
            on_frame(frames_done)

        return count

    def read(self, lease: Lease) -> Figures | None:
        """The lease's attempt's; None where it is not the one that is measured."""
        # Whoever asks may be another thread, a moment before the attempt begins.
        return self._read() if lease == self._lease else None

    def close(self) -> Figures:
        """The last attempt's, for good: what is counted from now on is the next one's."""
        figures = self._read()
        self._tallied = TALLY.read()
        return figures

    def _read(self) -> Figures:
        return Figures(
            kind=self._kind,
            process=this_process(),
            work_s=(self._ended_s or time.monotonic()) - self._began_s,
            device_s=self._clock.device_s,
            frames=self._frames,
            step_s=self._clock.seconds,
            peak_bytes=_peak_bytes(),
            tallied=TALLY.read().since(self._tallied),
        )


def this_process() -> str:
    """This process, told apart from every other of the farm."""
    return f"{platform.node()}:{os.getpid()}"


def _peak_bytes() -> dict[str, float]:
    peaks = {"host": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0}
    # Only where the pipeline has loaded it already: asking must not take seconds.
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        peaks["gpu"] = float(torch.cuda.max_memory_allocated())
    return peaks
