"""What sentences about the farm are put together from: times, spans, names, counts, messages."""

from collections.abc import Sequence
from datetime import UTC, datetime

_MOST_NAMES = 3


def at(seconds: float) -> str:
    """Seconds since 1970 as people write a time: "2026-11-25 13:20:05 UTC"."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def span(seconds: float) -> str:
    """A span in its largest two units: "1 d 3 h", "1 h 20 min", "2 min 5 s", "45 s", "0.2 s"."""
    if 0.05 <= seconds < 0.95:
        return f"{seconds:.1f} s"
    whole = max(0, round(seconds))
    for size_s, unit, part_s, part in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size_s:
            rest = whole % size_s // part_s
            return f"{whole // size_s} {unit}" + (f" {rest} {part}" if rest else "")
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")


def named(names: Sequence[str]) -> str:
    """Some by name, many by the first and a number: "a, b and c", "a and 7 others"."""
    if len(names) == 1:
        return names[0]
    if len(names) > _MOST_NAMES:
        return f"{names[0]} and {len(names) - 1} others"
    return f"{', '.join(names[:-1])} and {names[-1]}"


def counted(number: int, noun: str) -> str:
    """A number of things: "1 shard", "3 shards"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def within(text: str) -> str:
    """A message as part of a sentence: its first line, without its full stop."""
    lines = text.strip().splitlines()
    return (lines[0].rstrip(" .") if lines else "") or "no reason is known"
