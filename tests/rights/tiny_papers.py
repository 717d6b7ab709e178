"""An operator's list for tests, and consents for the drawn people that tests render."""

from pathlib import Path

import msgspec

from bodyswap.rights.consent import KIND, Signer, terms_payload
from bodyswap.rights.release import synthetic_terms
from bodyswap.rights.signed import sign
from bodyswap.rights.signing_keys import key_from_secret
from bodyswap.rights.trust import Capacity, Issuer, Trust

ISSUER = key_from_secret(b"issuer of the tests".ljust(32))

DRAWN = ("tiny", "rex", "mara", "me")
"""Whom the tests at large train and render: all of them come from the stage."""


def write_rights(path: Path) -> Path:
    """The operator's file, which trusts the tests' issuer as synthetic, and consents beside it."""
    issuer = Issuer(name="tests", key=ISSUER.public, capacities=(Capacity.SYNTHETIC,))
    path.write_bytes(msgspec.yaml.encode(Trust(issuers=(issuer,))))
    for subject in DRAWN:
        kept = path.parent / "consents" / subject / "consent.jws"
        kept.parent.mkdir(parents=True)
        kept.write_bytes(drawn_consent(subject))
    return path


def drawn_consent(subject: str) -> bytes:
    """A consent for somebody drawn: train them on anything, render them with any weights."""
    signer = Signer(name="tests", capacity=Capacity.SYNTHETIC, key=ISSUER.public)
    terms = msgspec.structs.replace(
        synthetic_terms(subject, ISSUER.public, ("*",), 0),
        signers=(signer,),
        training=True,
        footage=("*",),
    )
    return sign(terms_payload(terms), KIND, [ISSUER])
