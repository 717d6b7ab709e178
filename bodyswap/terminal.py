"""What a person, a log file or a program sees while work goes on.

A terminal gets one live line; a pipe gets plain lines; `--json` gets one object a line on stderr,
so that stdout holds the result alone. It does not know what the work is.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

QUIET_S = 2.0
"""Plain lines of one stage come no closer together than this."""


@dataclass(frozen=True, kw_only=True)
class WorkSeen:
    """A moment of some work: its stage, how far it is, how fast it goes."""

    stage: str
    done: int
    total: int
    unit: str = "frames"
    shards_done: int = 0
    shards_total: int = 0
    rate_per_s: float | None = None
    left_s: float | None = None
    note: str = ""

    def sentence(self) -> str:
        parts = [f"{self.stage}: {self.done}/{self.total} {self.unit}"]
        if self.shards_total:
            parts.append(f"shards {self.shards_done}/{self.shards_total}")
        if self.rate_per_s:
            parts.append(f"{self.rate_per_s:.1f} {self.unit}/s")
        if self.left_s is not None:
            parts.append(f"{_clock(self.left_s)} left")
        if self.note:
            parts.append(self.note)
        return ", ".join(parts)


Show = Callable[[WorkSeen], None]


def say(text: str) -> None:
    """Print a line of result to stdout."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """Print a line about the work, not of it, to stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


@contextmanager
def show_progress(*, as_json: bool) -> Iterator[Show]:
    """A function to call with every `WorkSeen`; it chooses how, and how often, to print it."""
    if as_json:
        yield lambda seen: complain(json.dumps(asdict(seen)))
    elif sys.stderr.isatty():
        with _live_line() as show:
            yield show
    else:
        yield _PlainLines().show


class _PlainLines:
    def __init__(self) -> None:
        self._stage = ""
        self._said_at = 0.0

    def show(self, seen: WorkSeen) -> None:
        now = time.monotonic()
        is_new = seen.stage != self._stage
        if is_new or seen.done == seen.total or now - self._said_at >= QUIET_S:
            complain(seen.sentence())
            self._stage, self._said_at = seen.stage, now


@contextmanager
def _live_line() -> Iterator[Show]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[facts]}"))
    with Progress(*columns, console=console, transient=True) as bars:
        lines: dict[str, TaskID] = {}

        def show(seen: WorkSeen) -> None:
            facts = seen.sentence().removeprefix(f"{seen.stage}: ")
            if seen.stage not in lines:
                lines[seen.stage] = bars.add_task(seen.stage, total=None, facts="")
            bars.update(
                lines[seen.stage], total=max(seen.total, 1), completed=seen.done, facts=facts
            )

        yield show


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
