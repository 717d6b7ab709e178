"""The revocation list: every consent taken back, signed, and believed only for a short while.

It does not know where the list is kept. A list holds all that was ever revoked; a new one, signed
before the last one's end, is what keeps the farm open.
"""

import msgspec

from bodyswap.rights.refusal import Refusal, RefusedError
from bodyswap.rights.signed import open_signed, sign
from bodyswap.rights.signing_keys import SigningKey
from bodyswap.rights.trust import Trust

KIND = "bodyswap-revocations"
CLOCK_SKEW_S = 60
"""Two honest clocks are taken to be no further apart than this."""
LONGEST_LIFE_S = 7 * 24 * 3600
"""No list is believed for longer, whatever it says of itself."""


class Revoked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One consent that was taken back, when, and why."""

    consent: str
    at: int
    reason: str = ""


class Revocations(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `number`th list. Times are seconds since 1970."""

    number: int
    issued: int
    expires: int
    revoked: tuple[Revoked, ...] = ()

    def find(self, consent: str) -> Revoked | None:
        return next((one for one in self.revoked if one.consent == consent), None)


def read_revocations(token: bytes, trust: Trust, *, source: str) -> Revocations:
    """The list in `token`, signed by a revoker of the operator's.

    Raises:
        RefusedError: it is malformed or forged, or nobody trusted signed it.
    """
    opened = open_signed(token, KIND, source=source)
    revokers = {revoker.key for revoker in trust.revokers}
    if not revokers.intersection(opened.keys):
        raise RefusedError(
            Refusal.UNTRUSTED,
            f"{source} is signed by {opened.keys[0]}, which is no revoker in rights.yaml",
        )
    try:
        return msgspec.json.decode(opened.payload, type=Revocations)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RefusedError(Refusal.MALFORMED, f"{source} is no revocation list: {error}") from error


def sign_revocations(revocations: Revocations, key: SigningKey) -> bytes:
    return sign(msgspec.json.encode(revocations, order="deterministic"), KIND, [key])


def renewed(
    before: Revocations | None, revoked: tuple[Revoked, ...], *, now_s: float, life_s: int
) -> Revocations:
    """The list that follows `before`: everything it held, `revoked` too, and a new end.

    Raises:
        ValueError: `life_s` is not within a second and the longest life.
    """
    if not 1 <= life_s <= LONGEST_LIFE_S:
        raise ValueError(f"a list's life is {life_s} s; give 1 to {LONGEST_LIFE_S}")
    held = before.revoked if before else ()
    known = {one.consent for one in held}
    return Revocations(
        number=before.number + 1 if before else 0,
        issued=int(now_s),
        expires=int(now_s) + life_s,
        revoked=(*held, *(one for one in revoked if one.consent not in known)),
    )


def check_fresh(revocations: Revocations | None, now_s: float) -> None:
    """Refuse where no list can be believed now.

    Raises:
        RefusedError: STALE_REVOCATIONS or CLOCK.
    """
    if revocations is None:
        raise RefusedError(
            Refusal.STALE_REVOCATIONS,
            "no revocation list signed by a revoker of rights.yaml is at hand, so nothing is"
            " rendered; `bodyswap consent renew` signs one",
        )
    if revocations.issued > now_s + CLOCK_SKEW_S:
        raise RefusedError(
            Refusal.CLOCK,
            f"revocation list {revocations.number} was signed"
            f" {revocations.issued - now_s:.0f} s from now by this machine's clock; set the clock",
        )
    end = min(revocations.expires, revocations.issued + LONGEST_LIFE_S)
    if now_s >= end + CLOCK_SKEW_S:
        raise RefusedError(
            Refusal.STALE_REVOCATIONS,
            f"revocation list {revocations.number} ended {now_s - end:.0f} s ago, so nothing is"
            " rendered; `bodyswap consent renew` signs a new one",
        )
