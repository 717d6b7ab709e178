"""Choices as a person writes them: who performs, who stands in for them, and where it is cut.

    auto, longest, 2, 310,120@1017     2=vega, 3=none     1042,1100

It does not know what was seen: `keypoints.performer` finds the one meant, `media.cuts` the cuts.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from bodyswap.errors import UsageError


class Rule(StrEnum):
    """How the performer is chosen."""

    AUTO = "auto"
    LARGEST = "largest"
    LONGEST = "longest"
    ID = "id"
    POINT = "x,y@frame"


@dataclass(frozen=True, kw_only=True)
class PerformerChoice:
    """A rule and what it needs: a track's id; or a point in pixels and the number of its frame."""

    rule: Rule
    id: int = 0
    x: float = 0.0
    y: float = 0.0
    number: int = 0

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
        return cls(rule=Rule.POINT, x=float(point[1]), y=float(point[2]), number=int(point[3]))

    def __str__(self) -> str:
        if self.rule is Rule.POINT:
            return f"{self.x:g},{self.y:g}@{self.number}"
        return str(self.id) if self.rule is Rule.ID else str(self.rule)


NOBODY = "none"


@dataclass(frozen=True, kw_only=True)
class Casting:
    """A performer, as `PerformerChoice` reads them, and who stands in for them: None is nobody."""

    performer: str
    subject: str | None

    @classmethod
    def parse(cls, text: str, subject: str | None) -> Self:
        """Of "WHO", whom `subject` stands in for, of "WHO=SUBJECT" or of "WHO=none".

        Raises UsageError where it is none of those, or nobody is named.
        """
        performer, equals, stand_in = (part.strip() for part in text.partition("="))
        PerformerChoice.parse(performer)
        if not equals:
            stand_in = subject or ""
        if not stand_in:
            raise UsageError(
                f"performer '{text}' has nobody who stands in for them; give {performer}=SUBJECT,"
                f" {performer}={NOBODY} where nobody is to, or --subject"
            )
        return cls(performer=performer, subject=None if stand_in == NOBODY else stand_in)


def cast_of(texts: Sequence[str], subject: str | None) -> tuple[Casting, ...]:
    """The cast that texts such as "1=vega" and "2=none" name; the lead, who is rendered, first.

    Without any, `subject` stands in for the performer found.

    Raises:
        UsageError: a text says nothing, a performer is named twice, or nobody is rendered.
    """
    cast = [Casting.parse(text, subject) for text in texts or (Rule.AUTO.value,)]
    names = [each.performer for each in cast]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"performer {twice[0]} is named {names.count(twice[0])} times; give one")
    if all(each.subject is None for each in cast):
        raise UsageError("every performer is to be removed, and nobody rendered; name a subject")
    lead = next(place for place, each in enumerate(cast) if each.subject is not None)
    return (cast[lead], *cast[:lead], *cast[lead + 1 :])


AUTO_CUTS, NO_CUTS = "auto", "none"


def parse_cuts(text: str) -> tuple[int, ...] | None:
    """The cuts a person gives, "none" or "1042,1100", as frames' numbers; None for "auto".

    Each is the first frame of what is cut to.

    Raises:
        UsageError: the text is none of those.
    """
    written = text.strip()
    if written == AUTO_CUTS:
        return None
    if written == NO_CUTS:
        return ()
    if not re.fullmatch(r"\d+(\s*,\s*\d+)*", written):
        raise UsageError(
            f"cuts '{text}' are unknown; give auto, none, or the frames cut to, such as 1042,1100"
        )
    return tuple(sorted({int(number) for number in written.split(",")}))


def cuts_within(text: str, frame_count: int, first_number: int) -> tuple[int, ...] | None:
    """The same, as frames counted from 0 of a plate that begins at `first_number`.

    Raises:
        UsageError: the text is none of those, or the plate has no such frame.
    """
    numbers = parse_cuts(text)
    last = first_number + frame_count - 1
    if numbers and not first_number < numbers[0] <= numbers[-1] <= last:
        wrong = numbers[0] if numbers[0] <= first_number else numbers[-1]
        raise UsageError(
            f"cuts '{text}' name frame {wrong}, but frames are {first_number}-{last}, and nothing"
            " is cut before the first"
        )
    return None if numbers is None else tuple(number - first_number for number in numbers)
