"""Which of the people in a shot performs, as a person writes it: auto, longest, 2, 310,120@1017.

It does not know who was seen: `keypoints.performer` finds the one meant.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from bodyswap.errors import UsageError
from bodyswap.timing import FIRST_FRAME_NUMBER


class Rule(StrEnum):
    """How the performer is chosen."""

    AUTO = "auto"
    LARGEST = "largest"
    LONGEST = "longest"
    ID = "id"
    POINT = "x,y@frame"


@dataclass(frozen=True, kw_only=True)
class PerformerChoice:
    """A rule and what it needs: a track's id; or a point in pixels and a frame counted from 0."""

    rule: Rule
    id: int = 0
    x: float = 0.0
    y: float = 0.0
    frame: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises UsageError where the text is none of those."""
        written = text.strip()
        if written in (Rule.AUTO, Rule.LARGEST, Rule.LONGEST):
            return cls(rule=Rule(written))
        if re.fullmatch(r"\d+", written):
            return cls(rule=Rule.ID, id=int(written))
        point = re.fullmatch(r"(\d+(?:\.\d+)?)\s*,\s*(\d+(?:\.\d+)?)\s*@\s*(\d+)", written)
        if point is None:
            raise UsageError(
                f"performer '{text}' is unknown; give auto, largest, longest, an id such as 2, or"
                " x,y@frame such as 310,120@1017"
            )
        if int(point[3]) < FIRST_FRAME_NUMBER:
            raise UsageError(
                f"performer '{text}' points into frame {point[3]}, but frames count from"
                f" {FIRST_FRAME_NUMBER}"
            )
        frame = int(point[3]) - FIRST_FRAME_NUMBER
        return cls(rule=Rule.POINT, x=float(point[1]), y=float(point[2]), frame=frame)

    def __str__(self) -> str:
        if self.rule is Rule.POINT:
            return f"{self.x:g},{self.y:g}@{self.frame + FIRST_FRAME_NUMBER}"
        return str(self.id) if self.rule is Rule.ID else str(self.rule)
