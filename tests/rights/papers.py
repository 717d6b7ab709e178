"""Keys, trust and consents for tests: Mara, a producer, and a stranger nobody trusts."""

from typing import Final

import msgspec

from bodyswap.rights.consent import KIND, ConsentRecord, Signer, Terms, read_consent, terms_payload
from bodyswap.rights.permit import Act, Deed
from bodyswap.rights.revocations import Revocations, Revoked
from bodyswap.rights.signed import sign
from bodyswap.rights.signing_keys import SigningKey, key_from_secret
from bodyswap.rights.trust import Capacity, Issuer, Trust, TrustedKey

NOW_S: Final = 1_800_000_000
DAY_S: Final = 24 * 3600
MARA = key_from_secret(b"mara".ljust(32))
STUDIO = key_from_secret(b"studio".ljust(32))
REGISTRY = key_from_secret(b"registry".ljust(32))
STRANGER = key_from_secret(b"stranger".ljust(32))
FOOTAGE, CHECKPOINT = "f" * 64, "c" * 64

TRUST = Trust(
    issuers=(
        Issuer(
            name="Mara Lind",
            key=MARA.public,
            capacities=(Capacity.PERFORMER, Capacity.SYNTHETIC),
            subjects=("mara",),
        ),
        Issuer(name="Nightfall Ltd", key=STUDIO.public, capacities=(Capacity.PRODUCER,)),
    ),
    revokers=(TrustedKey(name="the registry", key=REGISTRY.public),),
)
PERFORMER = Signer(name="Mara Lind", capacity=Capacity.PERFORMER, key=MARA.public)
PRODUCER = Signer(name="Nightfall Ltd", capacity=Capacity.PRODUCER, key=STUDIO.public)
TERMS = Terms(
    subject="mara", signers=(PERFORMER, PRODUCER), productions=("nightfall",), shots=("sc010_*",),
    uses=("stunt",), territories=("*",), media=("cinema",), training=True, footage=(FOOTAGE,),
    checkpoints=(CHECKPOINT,), issued=NOW_S - DAY_S, not_before=NOW_S - DAY_S,
    expires=NOW_S + DAY_S, delete_by=NOW_S + 2 * DAY_S, contact="agent@example.org",
)  # fmt: skip
RENDER = Act(
    deed=Deed.RENDER, subject="mara", production="nightfall", shot="sc010_0040", use="stunt",
    checkpoint=CHECKPOINT,
)  # fmt: skip
TRAIN = Act(
    deed=Deed.TRAIN, subject="mara", production="nightfall", shot="", use="", footage=(FOOTAGE,)
)
FRESH = Revocations(number=3, issued=NOW_S - 60, expires=NOW_S + 3600)


def changed(terms: Terms = TERMS, **changes: object) -> Terms:
    return msgspec.structs.replace(terms, **changes)


def token(terms: Terms = TERMS, *keys: SigningKey) -> bytes:
    """The terms, signed by Mara and the studio where nobody else is named."""
    return sign(terms_payload(terms), KIND, keys or (MARA, STUDIO))


def record(**changes: object) -> ConsentRecord:
    return read_consent(token(changed(**changes)), TRUST, source="a consent")


def revoking(consent: ConsentRecord) -> Revocations:
    taken_back = Revoked(consent=consent.id, at=NOW_S - 30, reason="she said so")
    return msgspec.structs.replace(FRESH, revoked=(taken_back,))
