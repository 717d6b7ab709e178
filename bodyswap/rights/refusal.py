"""Why something was not permitted: one name a cause, and the error that carries it.

It does not know how any cause is found; `consent` and `permit` do.
"""

from enum import StrEnum

from bodyswap.errors import ConsentError


class Refusal(StrEnum):
    """Every cause, in the order in which they are looked for: a later one came nearer to a yes."""

    MISSING = "no consent"
    MALFORMED = "not a consent"
    ALG_NONE = "algorithm none"
    WRONG_ALGORITHM = "wrong algorithm"
    FORGED = "forged"
    UNTRUSTED = "untrusted issuer"
    UNSIGNED = "not signed by all"
    WRONG_SUBJECT = "wrong subject"
    NO_TRAINING = "no training"
    WRONG_PRODUCTION = "wrong production"
    WRONG_SHOT = "wrong shot"
    WRONG_USE = "wrong use"
    WRONG_FOOTAGE = "wrong footage"
    WRONG_CHECKPOINT = "wrong checkpoint"
    UNMARKED = "no watermark"
    CLOCK = "clock"
    NOT_YET_VALID = "not yet valid"
    EXPIRED = "expired"
    DELETION_DUE = "deletion due"
    STALE_REVOCATIONS = "stale revocation list"
    REVOKED = "revoked"

    @property
    def nearness(self) -> int:
        """The higher, the more of the checks had passed before this one refused."""
        return list(Refusal).index(self)


class RefusedError(ConsentError):
    """A ConsentError with its one cause, and the consent that was found wanting, if any was."""

    def __init__(self, refusal: Refusal, message: str, consent: str | None = None) -> None:
        super().__init__(message)
        self.refusal = refusal
        self.consent = consent
