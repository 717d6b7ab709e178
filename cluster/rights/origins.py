"""Where a file comes from: by its signature, else by its watermark or its looks and the audit log.

It does not know how it is told. A log that cannot be proven tells nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bodyswap.rights.audit import AuditEntry, Event, Fact
from bodyswap.rights.mark import DEMO_KEY, id_prefix
from bodyswap.rights.origin import Origin
from bodyswap.rights.prints import Likeness, likeness
from bodyswap.rights.trust import Trust
from cluster.rights.audit_log import read_verified
from cluster.rights.marking import watermark_key
from cluster.stores.store import Store

if TYPE_CHECKING:
    from bodyswap.recognition import MarkSeen, Recognised

KnownBy = Literal["signature", "watermark", "likeness", "nothing"]


@dataclass(frozen=True, kw_only=True)
class Traced:
    """What a file without a signature was recognised as.

    Each of `origins` is a shot in the log, once for each who is rendered in it; a mark whose job
    the log does not have is in `strange`.
    """

    known_by: KnownBy
    marks: "tuple[MarkSeen, ...]"
    origins: tuple[Origin, ...] = ()
    strange: tuple[str, ...] = ()
    likeness: Likeness | None = None


def trace(file: Path, log: Sequence[AuditEntry], trust: Trust) -> Traced:
    """What the log knows of the file by what its frames show.

    Raises:
        PlateError: the file is no video and no picture.
        UsageError: the operator's watermark key cannot be read.
    """
    # PyAV comes with it, which nothing else of the command line needs.
    from bodyswap.recognition import recognise

    seen = recognise(file, (watermark_key(trust), DEMO_KEY))
    if seen.marks:
        return _by_marks(seen.marks, log)
    return _by_looks(seen, log)


def log_of(store: Store, trust: Trust) -> tuple[AuditEntry, ...]:
    """The whole log, proven. Raises IntegrityError, StoreError."""
    return read_verified(store, trust).entries


def _by_marks(marks: "tuple[MarkSeen, ...]", log: Sequence[AuditEntry]) -> Traced:
    origins: list[Origin] = []
    strange: list[str] = []
    for mark in marks:
        name = f"{id_prefix(mark.payload)}@{mark.key}"
        found = [each for each in _published(log) if name in each.watermark.split(", ")]
        origins += map(_origin, found)
        if not found:
            strange.append(name)
    return Traced(known_by="watermark", marks=marks, origins=tuple(origins), strange=tuple(strange))


def _by_looks(seen: "Recognised", log: Sequence[AuditEntry]) -> Traced:
    held = [(likeness(seen.prints, each.prints), each) for each in _published(log) if each.prints]
    near = [(how, each) for how, each in held if how.is_match]
    if not near:
        return Traced(known_by="nothing", marks=())
    how, nearest = min(near, key=lambda pair: (-pair[0].alike, pair[0].distance_bits))
    origins = tuple(_origin(fact) for fact in _published(log) if fact.job == nearest.job)
    return Traced(known_by="likeness", marks=(), origins=origins, likeness=how)


def _published(log: Sequence[AuditEntry]) -> Iterator[Fact]:
    """What was released, each job once for each of its subjects, the latest first."""
    facts = {
        (each.fact.job, each.fact.subject): each.fact
        for each in log
        if each.fact.event is Event.PUBLISHED
    }
    yield from reversed(facts.values())


def _origin(fact: Fact) -> Origin:
    return Origin(
        job=fact.job, subject=fact.subject, checkpoint=fact.checkpoint, consent=fact.consent,
        plate_sha256="", frames=fact.frames, production=fact.production, shot=fact.shot,
        software="",
    )  # fmt: skip
