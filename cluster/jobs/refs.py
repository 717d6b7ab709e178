"""What a job refers to: plates, subjects and poses that lie in the store, by content."""

from dataclasses import dataclass
from functools import cached_property

from cluster.stores.record import content_hash


@dataclass(frozen=True, kw_only=True)
class PlateRef:
    """A plate in the store, by content."""

    sha256: str
    name: str
    frame_count: int


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
