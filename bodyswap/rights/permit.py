"""Whether a consent covers an act: one function, asked at every door.

Pure: the record, the act, the time and the revocation list come in; a refusal comes out, or not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from fnmatch import fnmatchcase

from bodyswap.rights.consent import ANY, ConsentRecord
from bodyswap.rights.refusal import Refusal, RefusedError
from bodyswap.rights.revocations import CLOCK_SKEW_S, Revocations, check_fresh


class Deed(StrEnum):
    """What is about to be done: the doors, in the order in which a shot comes to them."""

    TRAIN = "train"
    SUBMIT = "submit"
    RENDER = "render"
    ASSEMBLE = "assemble"
    PUBLISH = "publish"
    DOWNLOAD = "download"


@dataclass(frozen=True, kw_only=True)
class Act:
    """A deed, and what it is done to.

    Training has `footage` and is of no production yet; every other deed has a `checkpoint`.
    `is_unmarked` where frames are to go without a watermark.
    """

    deed: Deed
    subject: str
    production: str
    shot: str
    use: str
    checkpoint: str = ""
    footage: tuple[str, ...] = ()
    is_unmarked: bool = False


def permits(record: ConsentRecord, act: Act, now_s: float, revocations: Revocations | None) -> None:
    """Return if `record` covers `act` at `now_s`, seconds since 1970.

    Raises:
        RefusedError: one clear cause why it does not.
    """
    _check_scope(record, act)
    _check_model(record, act)
    check_standing(record, now_s, revocations)


def permitting(
    records: Sequence[ConsentRecord], act: Act, now_s: float, revocations: Revocations | None
) -> ConsentRecord:
    """The first record that covers `act`.

    Raises:
        RefusedError: none does; the one that came nearest says why.
    """
    nearest = RefusedError(
        Refusal.MISSING,
        f"nobody's consent to {act.deed} '{act.subject}' is at hand; put one into the"
        " store by `bodyswap consent push`, or beside rights.yaml, as consents/NAME/ANY.jws",
    )
    for record in records:
        try:
            permits(record, act, now_s, revocations)
        except RefusedError as error:
            if error.refusal.nearness > nearest.refusal.nearness:
                nearest = error
        else:
            return record
    raise nearest


def check_standing(record: ConsentRecord, now_s: float, revocations: Revocations | None) -> None:
    """Refuse a record that is out of its time, or revoked, or that might be. Raises RefusedError.

    A synthetic performer's consent stands without a revocation list: there is nobody to revoke it.
    """
    check_time(record, now_s)
    if not record.is_synthetic:
        check_fresh(revocations, now_s)
    revoked = revocations.find(record.id) if revocations else None
    if revoked is not None:
        why = f": {revoked.reason}" if revoked.reason else ""
        raise _refused(record, Refusal.REVOKED, f"was revoked on {_day(revoked.at)}{why}")


def check_time(record: ConsentRecord, now_s: float) -> None:
    """Refuse a record whose time has not come, or is over. Raises RefusedError."""
    terms = record.terms
    if terms.issued > now_s + CLOCK_SKEW_S:
        raise _refused(
            record,
            Refusal.CLOCK,
            f"was issued {terms.issued - now_s:.0f} s from now by this machine's clock; set the"
            " clock",
        )
    if now_s < terms.not_before - CLOCK_SKEW_S:
        raise _refused(
            record, Refusal.NOT_YET_VALID, f"is not valid before {_day(terms.not_before)}"
        )
    if now_s >= terms.expires + CLOCK_SKEW_S:
        raise _refused(record, Refusal.EXPIRED, f"expired on {_day(terms.expires)}")
    if now_s >= terms.delete_by + CLOCK_SKEW_S:
        raise _refused(
            record,
            Refusal.DELETION_DUE,
            f"says that the model is deleted by {_day(terms.delete_by)}; delete it",
        )


def _check_scope(record: ConsentRecord, act: Act) -> None:
    terms = record.terms
    if act.subject != terms.subject:
        raise _refused(
            record, Refusal.WRONG_SUBJECT, f"is for subject '{terms.subject}', not '{act.subject}'"
        )
    if act.deed is Deed.TRAIN:
        return
    if not _fits(act.production, terms.productions):
        allowed = ", ".join(terms.productions) or "none"
        raise _refused(
            record,
            Refusal.WRONG_PRODUCTION,
            f"does not cover production '{act.production}', but {allowed}; submit with --project",
        )
    if not _fits(act.shot, terms.shots):
        allowed = ", ".join(terms.shots) or "none"
        raise _refused(
            record, Refusal.WRONG_SHOT, f"does not cover shot '{act.shot}', but {allowed}"
        )
    if not _fits(act.use, terms.uses):
        allowed = ", ".join(terms.uses) or "none"
        raise _refused(
            record,
            Refusal.WRONG_USE,
            f"does not cover the use '{act.use}', but {allowed}",
        )


def _check_model(record: ConsentRecord, act: Act) -> None:
    terms = record.terms
    if act.deed is not Deed.TRAIN:
        if ANY not in terms.checkpoints and act.checkpoint not in terms.checkpoints:
            raise _refused(
                record,
                Refusal.WRONG_CHECKPOINT,
                f"does not cover the checkpoint {act.checkpoint[:12]}… of '{act.subject}'",
            )
        if act.is_unmarked and not terms.unmarked:
            raise _refused(
                record,
                Refusal.UNMARKED,
                "does not allow frames without a watermark; submit without watermark=false",
            )
        return
    if not terms.training:
        raise _refused(record, Refusal.NO_TRAINING, "does not allow training")
    for digest in act.footage:
        if ANY not in terms.footage and digest not in terms.footage:
            raise _refused(
                record,
                Refusal.WRONG_FOOTAGE,
                f"does not cover the footage with the SHA-256 {digest[:12]}…",
            )


def _fits(value: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(value, pattern) for pattern in patterns)


def _refused(record: ConsentRecord, refusal: Refusal, why: str) -> RefusedError:
    return RefusedError(refusal, f"{record.id} of '{record.terms.subject}' {why}", record.id)


def _day(time_s: int) -> str:
    """Seconds since 1970 as a date; any number at all, since a signer may write any."""
    try:
        return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, ValueError, OSError):
        return f"second {time_s}"
