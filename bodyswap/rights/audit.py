"""The audit log's entries, each holding the hash of the one before, and signed heads.

Pure: it does not know where entries are kept. Whoever changes or removes an entry breaks the chain
behind it; whoever rewrites the chain from there on contradicts a head that was signed before.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from bodyswap.errors import IntegrityError
from bodyswap.rights.refusal import RefusedError
from bodyswap.rights.signed import open_signed, sign
from bodyswap.rights.signing_keys import SigningKey
from bodyswap.rights.trust import Trust

HEAD_KIND = "bodyswap-audit-head"
BEFORE_THE_FIRST = "0" * 64


class Event(StrEnum):
    """What happened. `Fact.deed` says at which door, where it happened at one."""

    PERMITTED = "permitted"
    REFUSED = "refused"
    CONSENT_STORED = "consent stored"
    REVOKED = "revoked"
    QUARANTINED = "quarantined"
    PUBLISHED = "published"
    APPROVED = "approved"
    REJECTED = "rejected"


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that happened, to whom, by whom. Text that does not apply is empty.

    Of what was published, `watermark` is what its frames carry, and `prints` are of key frames.
    """

    event: Event
    by: str
    deed: str = ""
    subject: str = ""
    consent: str = ""
    job: str = ""
    production: str = ""
    shot: str = ""
    use: str = ""
    checkpoint: str = ""
    frames: str = ""
    detail: str = ""
    watermark: str = ""
    prints: tuple[str, ...] = ()


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `number`th fact, `at` seconds since 1970; `previous` is the SHA-256 of the one before."""

    number: int
    previous: str
    at: float
    fact: Fact


class Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Signed: the chain up to entry `number` has this SHA-256."""

    number: int
    sha256: str
    at: float


@dataclass(frozen=True, kw_only=True)
class Verified:
    """A chain that holds: how long, and up to which entry somebody trusted vouches for it."""

    entries: tuple[AuditEntry, ...]
    signed_up_to: int | None


def entry_bytes(before: bytes | None, fact: Fact, at_s: float) -> bytes:
    """The entry that follows `before`, as it is stored; None before the first."""
    if before is None:
        entry = AuditEntry(number=0, previous=BEFORE_THE_FIRST, at=at_s, fact=fact)
    else:
        last = read_entry(before, "the last audit entry")
        entry = AuditEntry(number=last.number + 1, previous=_digest(before), at=at_s, fact=fact)
    return msgspec.json.encode(entry, order="deterministic") + b"\n"


def read_entry(data: bytes, what: str) -> AuditEntry:
    """The entry in `data`. Raises IntegrityError where it is none."""
    try:
        return msgspec.json.decode(data, type=AuditEntry)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise IntegrityError(f"{what} is damaged: {error}") from error


def sign_head(entry: bytes, key: SigningKey, at_s: float) -> bytes:
    """A head that vouches for everything up to `entry`."""
    head = Head(number=read_entry(entry, "the audit entry").number, sha256=_digest(entry), at=at_s)
    return sign(msgspec.json.encode(head, order="deterministic"), HEAD_KIND, [key])


def verify(entries: Sequence[bytes], heads: Iterable[bytes], trust: Trust) -> Verified:
    """The chain, proven link by link and against every head a trusted auditor signed.

    Raises:
        IntegrityError: an entry was changed, added, moved or removed; the message says which.
    """
    read: list[AuditEntry] = []
    previous = BEFORE_THE_FIRST
    for number, data in enumerate(entries):
        entry = read_entry(data, f"audit entry {number}")
        if entry.number != number:
            raise IntegrityError(f"audit entry {number} is missing; in its place is {entry.number}")
        if entry.previous != previous:
            raise IntegrityError(
                f"audit entry {number} does not follow entry {number - 1}: one of them was changed"
            )
        previous = _digest(data)
        read.append(entry)
    return Verified(entries=tuple(read), signed_up_to=_vouched(entries, heads, trust))


def _vouched(entries: Sequence[bytes], heads: Iterable[bytes], trust: Trust) -> int | None:
    furthest = None
    for token in heads:
        head = _trusted_head(token, trust)
        if head.number >= len(entries):
            raise IntegrityError(
                f"the audit log ends at entry {len(entries) - 1}, but entry {head.number} was"
                " signed for: the entries between were removed"
            )
        if _digest(entries[head.number]) != head.sha256:
            raise IntegrityError(
                f"audit entry {head.number} is not the one that was signed for: the log was"
                " rewritten"
            )
        furthest = max(head.number, furthest or 0)
    return furthest


def _trusted_head(token: bytes, trust: Trust) -> Head:
    try:
        opened = open_signed(token, HEAD_KIND, source="a signed head of the audit log")
        head = msgspec.json.decode(opened.payload, type=Head)
    except (RefusedError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise IntegrityError(f"a signed head of the audit log is damaged: {error}") from error
    if not {auditor.key for auditor in trust.auditors}.intersection(opened.keys):
        raise IntegrityError(
            f"the head for audit entry {head.number} is signed by {opened.keys[0]}, which is no"
            " auditor in rights.yaml"
        )
    return head


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
