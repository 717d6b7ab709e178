"""Frame ranges and timelines: which frames, and when each one is shown.

It does not know files; `media.index` builds a `Timeline` from one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from bodyswap.errors import UsageError

FIRST_FRAME_NUMBER = 1001
"""The number people give a plate's first frame: the editorial convention of VFX turnover."""


@dataclass(frozen=True, kw_only=True, order=True)
class FrameRange:
    """Frame indices `start` to `stop`, half-open, counted from 0 at the plate's first frame."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.stop:
            raise UsageError(f"frame range [{self.start}, {self.stop}) runs backwards or below 0")

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start, self.stop))

    def __contains__(self, index: object) -> bool:
        return isinstance(index, int) and self.start <= index < self.stop

    def with_warm_up(self, warm_up_frames: int) -> "FrameRange":
        """The range begun `warm_up_frames` earlier, or at frame 0 where there are not as many."""
        return FrameRange(start=max(0, self.start - warm_up_frames), stop=self.stop)

    def grown(self, by: int, *, within: "FrameRange") -> "FrameRange":
        """The range with `by` frames more on either side, where `within` has them."""
        return FrameRange(
            start=max(within.start, self.start - by), stop=min(within.stop, self.stop + by)
        )

    def numbered(self, first_number: int) -> str:
        """As people write it, of a plate whose first frame has this number."""
        first, last = self.start + first_number, self.stop + first_number - 1
        return f"{first}-{last}" if len(self) else "(no frames)"

    def __str__(self) -> str:
        return self.numbered(FIRST_FRAME_NUMBER)


def parse_frame_range(
    text: str, available_frames: int, first_number: int = FIRST_FRAME_NUMBER
) -> FrameRange:
    """Read inclusive frame numbers, "1001-1040" or "1001", of a plate that begins at one.

    Raises:
        UsageError: the text is no range, or names frames the plate does not have.
    """
    match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", text)
    if match is None:
        raise UsageError(f"frames '{text}' is not a range; write it like 1001-1040")
    first = int(match[1])
    last = int(match[2] or match[1])
    final = first_number + available_frames - 1
    if first > last:
        raise UsageError(f"frames '{text}' runs backwards; write the lower number first")
    if first < first_number or last > final:
        raise UsageError(
            f"frames '{text}' is outside the plate, whose frames are {first_number}-{final}"
        )
    return FrameRange(start=first - first_number, stop=last - first_number + 1)


AUTO_RATE = "auto"
_MOST_RATE = 1000
_OF_TELEVISION = {"23.976": 24, "23.98": 24, "29.97": 30, "47.952": 48, "59.94": 60, "119.88": 120}
"""Rates that people round: each is the whole number's 1000/1001."""


def parse_rate(text: str) -> Fraction | None:
    """Frames a second, such as "25", "23.976" or "24000/1001"; None for "auto".

    Raises:
        UsageError: it is no rate.
    """
    if text == AUTO_RATE:
        return None
    try:
        whole = _OF_TELEVISION.get(text)
        rate = Fraction(text) if whole is None else Fraction(whole * 1000, 1001)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= _MOST_RATE:
        raise UsageError(
            f"rate '{text}' is no frames a second; give auto, or such as 25, 23.976 or 24000/1001"
        )
    return rate


def assumed_rate(name: str) -> str:
    """What a person is told whose frames have no rate."""
    return (
        f"the frames of {name} do not say how fast they follow one another: taken as 24 a second;"
        " give --rate (--set rate=…) where that is wrong"
    )


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The presentation time of every frame of a clip, in ticks of `time_base` seconds."""

    pts: tuple[int, ...]
    time_base: Fraction
    rate: Fraction

    def __post_init__(self) -> None:
        if any(later <= earlier for earlier, later in pairwise(self.pts)):
            raise ValueError("pts must rise from frame to frame")

    def __len__(self) -> int:
        return len(self.pts)

    @property
    def duration_s(self) -> Fraction:
        """From the first frame's time to the end of the last one."""
        return (self.pts[-1] - self.pts[0]) * self.time_base + 1 / self.rate

    @property
    def is_variable_rate(self) -> bool:
        """True where frames are not evenly spaced (beyond one tick of rounding)."""
        deltas = [later - earlier for earlier, later in pairwise(self.pts)]
        return bool(deltas) and max(deltas) - min(deltas) > 1

    @property
    def times_s(self) -> tuple[float, ...]:
        """When each frame is shown, in seconds after the first."""
        return tuple(float((pts - self.pts[0]) * self.time_base) for pts in self.pts)

    def starting_at(self, first_pts: int) -> "Timeline":
        """The same spacing, its first frame shown at `first_pts`."""
        shift = first_pts - self.pts[0]
        return Timeline(
            pts=tuple(pts + shift for pts in self.pts), time_base=self.time_base, rate=self.rate
        )

    def cut(self, frames: FrameRange) -> "Timeline":
        """The same clock over `frames` only."""
        return Timeline(
            pts=self.pts[frames.start : frames.stop], time_base=self.time_base, rate=self.rate
        )
