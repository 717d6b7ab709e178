"""What replacing performers takes besides plate, subject and settings, as local files.

Values only: it does not know how anybody is replaced.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Role:
    """A further performer, told as `choice` reads it, and the folder of who stands in for them.

    Without a subject they are gone from the plate, and nobody is there.
    """

    performer: str
    subject: Path | None


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """A clean plate that wins over the one made out of the plate, and who else is replaced."""

    clean_plate: Path | None = None
    others: tuple[Role, ...] = ()


ALONE = Replacement()
"""One performer, before the set that the plate itself shows."""
