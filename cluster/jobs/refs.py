"""What a job refers to: plates, subjects and poses that lie in the store, by content."""

from dataclasses import dataclass
from functools import cached_property

from bodyswap.timing import FIRST_FRAME_NUMBER, FrameRange, parse_frame_range
from cluster.stores.record import content_hash


@dataclass(frozen=True, kw_only=True)
class PlateRef:
    """A plate in the store, by content.

    `record` is the SHA-256 of what the submitter found in one that is to be read where it lies:
    its index and the hash of every block. Without it a plate is fetched whole. `first_number` is
    what people call its first frame; `has_rate` is False where nothing says how fast they follow.
    """

    sha256: str
    name: str
    frame_count: int
    record: str = ""
    first_number: int = FIRST_FRAME_NUMBER
    has_rate: bool = True

    def range_of(self, text: str) -> FrameRange:
        """The frames that people's numbers, such as "1001-1040", mean. Raises UsageError."""
        return parse_frame_range(text, self.frame_count, self.first_number)

    def numbers(self, frames: FrameRange) -> str:
        """What people call these frames of it."""
        return frames.numbered(self.first_number)


@dataclass(frozen=True, kw_only=True)
class SubjectFile:
    """One file of a subject, by name and content."""

    name: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class SubjectRef:
    """A subject's model in the store, by content."""

    name: str
    files: tuple[SubjectFile, ...]

    @cached_property
    def digest(self) -> str:
        return content_hash(sorted((file.name, file.sha256) for file in self.files))

    @property
    def version(self) -> str:
        """Short, and never the same for two models."""
        return self.digest[:12]


@dataclass(frozen=True, kw_only=True)
class PosesRef:
    """A poses.npz in the store, by content."""

    sha256: str


@dataclass(frozen=True, kw_only=True)
class CastRef:
    """A further performer, as `choice` reads them, and who stands in for them; None is nobody."""

    performer: str
    subject: SubjectRef | None


@dataclass(frozen=True, kw_only=True)
class WeightsRef:
    """A file of weights in the store, by content."""

    sha256: str
    name: str
