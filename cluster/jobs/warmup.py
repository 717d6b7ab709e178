"""How many frames a render shard draws before its first, where it begins from nothing.

It does not know what they are for: the subject's card says how many, or the settings do.
"""

import msgspec

from bodyswap.subjects import CARD
from cluster.jobs.job import JobSpec
from cluster.jobs.keys import subject_file
from cluster.stores.store import Store


def known_warmup(store: Store, spec: JobSpec) -> int | None:
    """The job's, outside of ranges with their own; None where nobody has to know, or can."""
    if spec.is_exact or spec.shards is not None:
        return None
    asked = spec.render_settings.warmup_frames
    if asked is not None:
        return asked
    card = store.get(subject_file(spec.subject, CARD))
    return None if card is None else card_warmup(card.decode(errors="replace"))


def card_warmup(card: str) -> int | None:
    """What the text of a subject's card says; None where it does not."""
    try:
        told = msgspec.yaml.decode(card)
    except msgspec.DecodeError:
        return None
    warmup_frames = told.get("warmup_frames") if isinstance(told, dict) else None
    return warmup_frames if isinstance(warmup_frames, int) else None
