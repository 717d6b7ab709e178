"""Consent records: what a person agreed to, signed by them and by whoever signs with them.

It does not know stores, clocks or what is about to be done; `permit` decides that. A record's id is
the hash of what was signed, so no other text can have it.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from bodyswap.errors import UsageError
from bodyswap.rights.refusal import Refusal, RefusedError
from bodyswap.rights.signed import MOST_SIGNATURES, open_signed
from bodyswap.rights.signing_keys import check_public_key
from bodyswap.rights.trust import SPEAKS_FOR_THE_PERFORMER, Capacity, Trust

KIND = "bodyswap-consent"
ANY = "*"
_FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ID_LENGTH = 24


class Signer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who signs, as what, with which public key."""

    name: str
    capacity: Capacity
    key: str


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was agreed. Times are seconds since 1970; every list may hold "*", for any.

    `productions`, `shots` and `uses` may hold patterns such as "sc010_*". `footage` may be trained
    on, where `training` says so; `checkpoints` are weights files that may render. Both are SHA-256.
    By `delete_by` the model must be gone; `contact` hears of a wish to revoke. Territories and
    media bind whoever distributes the shot: no program sees where it is shown. Frames carry a
    watermark, unless `unmarked` says that they may go without.
    """

    subject: str
    signers: tuple[Signer, ...]
    productions: tuple[str, ...]
    shots: tuple[str, ...]
    uses: tuple[str, ...]
    territories: tuple[str, ...]
    media: tuple[str, ...]
    training: bool
    footage: tuple[str, ...]
    checkpoints: tuple[str, ...]
    issued: int
    not_before: int
    expires: int
    delete_by: int
    contact: str
    unmarked: bool = False
    format: int = _FORMAT

    def __post_init__(self) -> None:
        if self.format != _FORMAT:
            raise ValueError(f"format {self.format} is unknown; this version reads {_FORMAT}")
        if not _NAME.fullmatch(self.subject):
            raise ValueError(f"subject '{self.subject[:40]}' is no name: letters, digits and ._-")
        _check_signers(self.signers)
        for digest in (*self.footage, *self.checkpoints):
            if digest != ANY and not _SHA256.fullmatch(digest):
                raise ValueError(f"'{digest[:70]}' is neither a SHA-256 in hex nor '*'")
        if self.not_before >= self.expires:
            raise ValueError("it expires before it begins")
        if not self.contact.strip():
            raise ValueError("contact is empty; say who hears of a wish to revoke")


@dataclass(frozen=True, kw_only=True)
class ConsentRecord:
    """Terms whose signatures hold. `id` names them in cards, logs and revocation lists."""

    id: str
    terms: Terms

    @property
    def is_synthetic(self) -> bool:
        """True where there is no person: the subject was drawn, not filmed."""
        return all(signer.capacity is Capacity.SYNTHETIC for signer in self.terms.signers)


def read_consent(token: bytes, trust: Trust, *, source: str) -> ConsentRecord:
    """The record in `token`, signed by everybody it names, all of them trusted.

    Raises:
        RefusedError: MALFORMED, ALG_NONE, WRONG_ALGORITHM, FORGED, UNSIGNED or UNTRUSTED.
    """
    record = read_signatures(token, source=source)
    check_trusted(record, trust, source=source)
    return record


@lru_cache(maxsize=64)
def read_signatures(token: bytes, *, source: str) -> ConsentRecord:
    """The record in `token`, signed by everybody it names, whoever they are.

    The same bytes are proven once: what was signed stays signed, and every door asks again.

    Raises:
        RefusedError: MALFORMED, ALG_NONE, WRONG_ALGORITHM, FORGED or UNSIGNED.
    """
    record, keys = read_partly_signed(token, source=source)
    for signer in record.terms.signers:
        if signer.key not in keys:
            raise RefusedError(
                Refusal.UNSIGNED,
                f"{source} is not signed by {signer.name}, its {signer.capacity}; "
                "`bodyswap consent sign` adds a signature",
                record.id,
            )
    return record


def read_partly_signed(token: bytes, *, source: str) -> tuple[ConsentRecord, tuple[str, ...]]:
    """The record, and the keys that have signed it so far. Raises as `read_signatures` does."""
    opened = open_signed(token, KIND, source=source)
    try:
        terms = msgspec.json.decode(opened.payload, type=Terms)
    except (msgspec.MsgspecError, UnicodeDecodeError, UsageError) as error:
        raise RefusedError(Refusal.MALFORMED, f"{source} is not a consent: {error}") from error
    record = ConsentRecord(id=consent_id(opened.payload), terms=terms)
    strangers = set(opened.keys) - {signer.key for signer in terms.signers}
    if strangers:
        raise RefusedError(
            Refusal.FORGED,
            f"{source} is signed by {min(strangers)}, whom it does not name",
            record.id,
        )
    return record, opened.keys


def check_trusted(record: ConsentRecord, trust: Trust, *, source: str) -> None:
    """Refuse a record that somebody signed who may not, or whom the operator requires did not.

    Raises:
        RefusedError: UNTRUSTED or UNSIGNED.
    """
    terms = record.terms
    for signer in terms.signers:
        issuer = trust.issuer(signer.key)
        if issuer is None or not issuer.may_sign(signer.capacity, terms.subject):
            known = f"{issuer.name} may not sign" if issuer else "this machine does not trust it"
            raise RefusedError(
                Refusal.UNTRUSTED,
                f"{source}: the key of {signer.name} as {signer.capacity} of '{terms.subject}': "
                f"{known}; the operator lists issuers in rights.yaml",
                record.id,
            )
    if not record.is_synthetic:
        _check_required(record, trust, source)


def consent_id(payload: bytes) -> str:
    """The id of the record whose signed bytes these are."""
    return f"consent-{hashlib.sha256(payload).hexdigest()[:_ID_LENGTH]}"


def terms_payload(terms: Terms) -> bytes:
    """The bytes that are signed; the same for the same terms."""
    return msgspec.json.encode(terms, order="deterministic")


def _check_required(record: ConsentRecord, trust: Trust, source: str) -> None:
    capacities = [signer.capacity for signer in record.terms.signers]
    if not any(capacity in SPEAKS_FOR_THE_PERFORMER for capacity in capacities):
        raise RefusedError(
            Refusal.UNSIGNED,
            f"{source} is signed by nobody who speaks for the performer "
            f"({', '.join(SPEAKS_FOR_THE_PERFORMER)})",
            record.id,
        )
    for capacity in trust.required:
        if capacity not in capacities:
            raise RefusedError(
                Refusal.UNSIGNED,
                f"{source} has no {capacity}'s signature, which this farm requires",
                record.id,
            )


def _check_signers(signers: tuple[Signer, ...]) -> None:
    if not 1 <= len(signers) <= MOST_SIGNATURES:
        raise ValueError(f"{len(signers)} signers are named; 1 to {MOST_SIGNATURES} can be")
    for signer in signers:
        check_public_key(signer.key)
    are_synthetic = {signer.capacity is Capacity.SYNTHETIC for signer in signers}
    if len(are_synthetic) > 1:
        raise ValueError("a synthetic performer's consent is signed in no other capacity")
