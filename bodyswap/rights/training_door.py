"""The door before training on one machine, where there is no store to look into.

The consents at hand and the operator's copy of the revocation list decide. It does not know video:
footage is the SHA-256 of its files.
"""

import time
from pathlib import Path

from bodyswap.errors import UsageError
from bodyswap.rights.at_hand import consents_at_hand
from bodyswap.rights.consent import ConsentRecord, read_consent
from bodyswap.rights.permit import Act, Deed, permitting
from bodyswap.rights.refusal import Refusal, RefusedError
from bodyswap.rights.revocations import Revocations, read_revocations
from bodyswap.rights.trust import Trust, operator_trust

SYNTHETIC = "synthetic"
"""What a card says in the place of a consent's id where the subject was drawn."""


def training_act(subject: str, footage_sha256: tuple[str, ...]) -> Act:
    """Training a model of `subject` on these files."""
    return Act(
        deed=Deed.TRAIN, subject=subject, production="", shot="", use="", footage=footage_sha256
    )


def permit_training(subject: str, footage_sha256: tuple[str, ...], claimed: str | None) -> str:
    """What the subject's card says of the consent that covers training on this footage.

    `claimed` is the consent that the request names, if it names one.

    Raises:
        RefusedError: no consent at hand covers it, or it is not the claimed one.
    """
    trust = operator_trust()
    records = _trusted(subject, trust)
    act = training_act(subject, footage_sha256)
    record = permitting(records, act, time.time(), _revocations(trust))
    return card_word(record, claimed)


def card_word(record: ConsentRecord, claimed: str | None) -> str:
    """The record's id, or "synthetic"; refused where another consent was claimed."""
    if (
        claimed is not None
        and claimed != record.id
        and not (claimed == SYNTHETIC and record.is_synthetic)
    ):
        raise RefusedError(
            Refusal.MISSING,
            f"the consent at hand is {record.id}, not '{claimed}'; leave --consent out to use it",
            record.id,
        )
    return SYNTHETIC if record.is_synthetic else record.id


def _trusted(subject: str, trust: Trust) -> list[ConsentRecord]:
    """Every believable record at hand. Raises the last refusal where there are only others."""
    records, unreadable = [], []
    for source, token in consents_at_hand(subject):
        try:
            records.append(read_consent(token, trust, source=source))
        except RefusedError as error:
            unreadable.append(error)
    if not records and unreadable:
        raise unreadable[-1]
    return records


def _revocations(trust: Trust) -> Revocations | None:
    if trust.revocations is None:
        return None
    path = Path(trust.revocations)
    try:
        return read_revocations(path.read_bytes(), trust, source=str(path))
    except OSError as error:
        raise UsageError(f"cannot read the revocation list '{path}': {error.strerror}") from error
