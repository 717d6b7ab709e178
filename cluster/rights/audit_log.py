"""The audit log in the store: appended by any number of writers, one link after the other.

It does not know what is worth writing down; `doors` does. An entry is one conditional put, so of
two writers one wins its number and the other follows it.
"""

from pathlib import Path

from bodyswap.errors import StoreError
from bodyswap.rights.audit import Fact, Verified, entry_bytes, sign_head, verify
from bodyswap.rights.signing_keys import read_signing_key
from bodyswap.rights.trust import Trust
from cluster.jobs.keys import AUDIT_ENTRIES, AUDIT_HEADS, AUDIT_HINT, audit_entry, audit_head
from cluster.stores.store import Store

_TRIES = 1000


def append(store: Store, fact: Fact, trust: Trust, *, at_s: float) -> int:
    """Write `fact` after everything else, and sign for it where this machine holds the key.

    Raises:
        StoreError: it could not be written, so what it tells of must not happen.
    """
    number = _length(store)
    for _ in range(_TRIES):
        before = store.get(audit_entry(number - 1)) if number else None
        if number and before is None:
            raise StoreError(
                f"audit entry {number - 1} is gone; `bodyswap audit verify` tells more"
            )
        entry = entry_bytes(before, fact, at_s)
        if store.put_if_absent(audit_entry(number), entry):
            store.put(AUDIT_HINT, str(number).encode())
            if trust.audit_key is not None:
                key = read_signing_key(Path(trust.audit_key))
                store.put_if_absent(audit_head(number), sign_head(entry, key, at_s))
            return number
        number += 1
    raise StoreError(f"the audit log was taken {_TRIES} times by other writers; try again")


def read_verified(store: Store, trust: Trust) -> Verified:
    """The whole log, proven.

    Raises:
        IntegrityError: it was tampered with; the message says where.
    """
    entries = [store.get(key) or b"" for key in store.list_keys(AUDIT_ENTRIES)]
    heads = [store.get(key) or b"" for key in store.list_keys(AUDIT_HEADS)]
    return verify(entries, heads, trust)


def _length(store: Store) -> int:
    """How many entries there are: a look around the hint, doubling the step, then halving it."""
    taken = _hinted(store)
    step = 1
    while store.head(audit_entry(taken + step)) is not None:
        taken += step
        step *= 2
    free = taken + step
    while free - taken > 1:
        middle = (taken + free) // 2
        if store.head(audit_entry(middle)) is None:
            free = middle
        else:
            taken = middle
    return free


def _hinted(store: Store) -> int:
    """An entry that is there, or -1. The hint may be old or wrong; it only saves looking."""
    hint = store.get(AUDIT_HINT)
    if hint is not None and hint.isdigit() and len(hint) < 12:
        number = int(hint)
        if store.head(audit_entry(number)) is not None:
            return number
    return -1
