"""SMPTE ST 12-1 timecode: the name an editor gives each frame.

It does not know clips. Drop-frame skips names, never frames: 00 and 01 (at 59.94, 00 to 03) of
every minute but each tenth, so that the names keep up with the clock on the wall.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from bodyswap.errors import UsageError

_WRITTEN = re.compile(r"\s*(\d{1,2}):(\d{1,2}):(\d{1,2})([:;.,])(\d{1,3})\s*")
_DROPS = {Fraction(30000, 1001): 2, Fraction(60000, 1001): 4}
"""Names skipped a minute, of the only rates that drop-frame is defined for."""


@dataclass(frozen=True, kw_only=True)
class Timecode:
    """A frame's name: `frame` counts frames from 00:00:00:00 at `rate`, within a day."""

    frame: int
    rate: Fraction
    is_drop_frame: bool = False

    def __post_init__(self) -> None:
        if self.rate <= 0:
            raise UsageError(f"a timecode at {self.rate} frames a second means nothing")
        if self.is_drop_frame and self.rate not in _DROPS:
            raise UsageError(
                f"drop-frame timecode at {float(self.rate):.3f} frames a second does not exist; "
                "only 29.97 and 59.94 have it"
            )
        object.__setattr__(self, "frame", self.frame % self.frames_a_day)

    @classmethod
    def parse(cls, text: str, rate: Fraction) -> Self:
        """Read "01:00:00:00"; a semicolon or a full stop before the frames means drop-frame.

        Raises:
            UsageError: it is no timecode, or no frame of this rate has that name.
        """
        match = _WRITTEN.fullmatch(text)
        if match is None:
            raise UsageError(f"'{text}' is not a timecode; write it like 01:00:00:00")
        hours, minutes, seconds, frames = (int(match[place]) for place in (1, 2, 3, 5))
        start = cls(frame=0, rate=rate, is_drop_frame=match[4] in ";.")
        if hours > 23 or minutes > 59 or seconds > 59 or frames >= start.names_a_second:
            raise UsageError(f"no frame is called {text} at {float(rate):.3f} frames a second")
        minutes += hours * 60
        skipped = start._drops * (minutes - minutes // 10)
        if start._drops and minutes % 10 and not seconds and frames < start._drops:
            raise UsageError(f"no frame is called {text}: drop-frame skips that name")
        count = (minutes * 60 + seconds) * start.names_a_second + frames - skipped
        return cls(frame=count, rate=rate, is_drop_frame=start.is_drop_frame)

    @property
    def names_a_second(self) -> int:
        """How many frame names a second has: 24 at 23.976."""
        return max(1, round(self.rate))

    @property
    def frames_a_day(self) -> int:
        return 144 * self._frames_in_ten_minutes

    def __add__(self, frames: int) -> "Timecode":
        """The name of the frame so many later; midnight follows 23:59:59."""
        return Timecode(frame=self.frame + frames, rate=self.rate, is_drop_frame=self.is_drop_frame)

    @property
    def fields(self) -> tuple[int, int, int, int]:
        """Hours, minutes, seconds, frames."""
        seconds, frames = divmod(self.frame + self._skipped_before, self.names_a_second)
        minutes, seconds = divmod(seconds, 60)
        return minutes // 60, minutes % 60, seconds, frames

    def __str__(self) -> str:
        hours, minutes, seconds, frames = self.fields
        mark = ";" if self.is_drop_frame else ":"
        return f"{hours:02d}:{minutes:02d}:{seconds:02d}{mark}{frames:02d}"

    @property
    def _drops(self) -> int:
        return _DROPS[self.rate] if self.is_drop_frame else 0

    @property
    def _frames_in_ten_minutes(self) -> int:
        return 600 * self.names_a_second - 9 * self._drops

    @property
    def _skipped_before(self) -> int:
        tens, rest = divmod(self.frame, self._frames_in_ten_minutes)
        minute = 60 * self.names_a_second
        # The first minute of ten is whole; each of the others is short of the names it skips.
        short = 0 if rest < minute else 1 + (rest - minute) // (minute - self._drops)
        return self._drops * (9 * tens + short)
