"""What replacing performers takes besides plate, subject and settings, as local files.

Values only: it does not know how anybody is replaced.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ReplacingSettings:
    """How performers are cut out of a plate; see `replacing.segmenter` for the file's contract.

    Without a `segmenter`, a path to an ONNX file, by their difference from the clean plate.
    `segmenter_sha256` is filled in when a job is submitted: a worker uses that very file.
    """

    segmenter: str = ""
    segmenter_sha256: str = ""


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
