"""A consent as a person writes it, in YAML with dates, and the terms it becomes.

It does not know who signs, only whom the draft names.
"""

from datetime import UTC, date, datetime, time, timedelta

import msgspec

from bodyswap.errors import UsageError
from bodyswap.rights.consent import Signer, Terms

EXAMPLE = """\
subject: mara                      # the name they are rendered by
signers:                           # everybody named here must sign
- {name: Mara Lind, capacity: performer, key: "ed25519:..."}
- {name: Nightfall Ltd, capacity: producer, key: "ed25519:..."}
productions: [nightfall]           # patterns such as nightfall_*; "*" for any, here and below
shots: ["sc010_*"]
uses: [stunt]
territories: ["*"]
media: [cinema, television]
training: true                     # may a model be trained, and on which footage (SHA-256)
footage: ["*"]
checkpoints: ["*"]                 # which weights may render (SHA-256)
not_before: 2026-12-01             # from the beginning of this day, UTC
expires: 2027-12-01                # to the end of this day
delete_by: 2028-01-01              # by the end of this day the model is gone
contact: agent@example.org         # who hears of a wish to revoke
unmarked: false                    # may frames be delivered without a watermark
"""


class Draft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`Terms`, with whole days of UTC in the place of seconds. Days are taken in."""

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
    not_before: date
    expires: date
    delete_by: date
    contact: str
    unmarked: bool = False


def read_draft(text: str, source: str, *, now_s: float) -> Terms:
    """The terms of a draft, issued now.

    Raises:
        UsageError: it is not YAML, lacks a field, has one too many, or makes no sense.
    """
    try:
        draft = msgspec.yaml.decode(text, type=Draft)
        fields = msgspec.structs.asdict(draft)
        days = {
            "not_before": _midnight_s(draft.not_before),
            "expires": _midnight_s(draft.expires + timedelta(days=1)),
            "delete_by": _midnight_s(draft.delete_by + timedelta(days=1)),
        }
        return Terms(**{**fields, **days}, issued=int(now_s))
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
        raise UsageError(f"{source} is no draft of a consent: {error}") from error


def _midnight_s(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())
