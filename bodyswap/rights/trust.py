"""Whose signatures count: the operator's file, and nothing that a job says.

It does not know what was signed. Without a file only the packaged issuer counts, and only for the
synthetic performers that ship with the project.
"""

from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path

import msgspec

from bodyswap.environment import rights_file
from bodyswap.errors import UsageError
from bodyswap.media.probe import MediaLimits
from bodyswap.rights.signing_keys import check_public_key

_SYNTHETIC_TRUST = Path(__file__).parent / "synthetic" / "trust.yaml"


class Capacity(StrEnum):
    """As what somebody signs."""

    PERFORMER = "performer"
    GUARDIAN = "guardian"
    ESTATE = "estate"
    PRODUCER = "producer"
    SYNTHETIC = "synthetic"


SPEAKS_FOR_THE_PERFORMER = (Capacity.PERFORMER, Capacity.GUARDIAN, Capacity.ESTATE)


class Issuer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key, as what it may sign, and for which subjects ("*" for any)."""

    name: str
    key: str
    capacities: tuple[Capacity, ...]
    subjects: tuple[str, ...] = ("*",)

    def may_sign(self, capacity: Capacity, subject: str) -> bool:
        return capacity in self.capacities and ("*" in self.subjects or subject in self.subjects)


class TrustedKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An issuer's public key, as unpadded base64url, and whose it is."""

    name: str
    key: str


class SealFiles(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What signs deliverables: a PEM chain, its key, and an RFC 3161 server's address."""

    chain: str
    key: str
    timestamp_url: str | None = None


class Trust(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may consent, who may revoke, who signs the audit log.

    `required` are capacities that must have signed besides somebody who speaks for the performer.
    `revocations` is a copy of the revocation list, for verbs that work without a store;
    `audit_key` the private key that signs the audit log's heads, where this machine holds it;
    `seal` what signs deliverables, where this machine releases them; `anchors` a PEM file of the
    roots that `verify` trusts; `watermark_key` the file of the secret that frames are marked with,
    the same on every machine that works or verifies. Without one the packaged demo key is used,
    which is no secret. `limits` are the most that a plate may be, and may take to look at.
    """

    issuers: tuple[Issuer, ...] = ()
    revokers: tuple[TrustedKey, ...] = ()
    auditors: tuple[TrustedKey, ...] = ()
    required: tuple[Capacity, ...] = ()
    revocations: str | None = None
    audit_key: str | None = None
    seal: SealFiles | None = None
    anchors: str | None = None
    watermark_key: str | None = None
    limits: MediaLimits = MediaLimits()

    def issuer(self, key: str) -> Issuer | None:
        return next((issuer for issuer in self.issuers if issuer.key == key), None)

    def joined(self, other: "Trust") -> "Trust":
        """This trust, and the issuers of `other` besides."""
        return msgspec.structs.replace(self, issuers=(*self.issuers, *other.issuers))


@lru_cache(maxsize=16)
def read_trust(text: str, source: str) -> Trust:
    """The trust that YAML text tells of; `source` names it in errors.

    The same text is taken apart once: every door asks, and a worker comes to many.

    Raises:
        UsageError: it is not YAML, has an unknown field or a wrong value, or a key twice.
    """
    try:
        trust = msgspec.yaml.decode(text, type=Trust)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UsageError(f"{source} is no list of whom to trust: {error}") from error
    keys = [check_public_key(issuer.key) for issuer in trust.issuers]
    for trusted in (*trust.revokers, *trust.auditors):
        check_public_key(trusted.key)
    if len(set(keys)) < len(keys):
        raise UsageError(f"{source} lists an issuer's key twice; give each key one entry")
    return trust


@cache
def packaged_trust() -> Trust:
    """The key that signed the packaged performers' consents; its private half no longer exists."""
    return read_trust(_SYNTHETIC_TRUST.read_text(), str(_SYNTHETIC_TRUST))


def operator_trust() -> Trust:
    """The operator's trust, with the packaged issuer.

    Raises:
        UsageError: the operator's file cannot be used.
    """
    path = rights_file()
    try:
        text = path.read_text()
    except FileNotFoundError:
        return packaged_trust()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read '{path}', which says whom to trust: {error}") from error
    return read_trust(text, str(path)).joined(packaged_trust())
