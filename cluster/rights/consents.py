"""Consents and revocation lists in the store.

It does not decide what they permit. A consent lies under its own id; lists are numbered, and the
latest holds everything that was ever revoked.
"""

from bodyswap.rights.at_hand import consents_at_hand
from bodyswap.rights.consent import ConsentRecord, read_signatures
from bodyswap.rights.revocations import (
    Revocations,
    Revoked,
    read_revocations,
    renewed,
    sign_revocations,
)
from bodyswap.rights.signing_keys import SigningKey
from bodyswap.rights.trust import Trust
from cluster.jobs.keys import CONSENTS, REVOKED, consent_file, revocation_list
from cluster.stores.store import Store

_TRIES = 100


def put_consent(store: Store, token: bytes, *, source: str) -> ConsentRecord:
    """Store a consent that everybody it names has signed; again, nothing happens.

    Raises:
        RefusedError: it is damaged, forged, or not signed by all.
    """
    record = read_signatures(token, source=source)
    store.put_if_absent(consent_file(record.terms.subject, record.id), token)
    return record


def consents_of(store: Store, subject: str) -> tuple[tuple[str, bytes], ...]:
    """Source and token of all that claims to be a consent for `subject`, stored or at hand."""
    stored = []
    for key in store.list_keys(f"{CONSENTS}{subject}/"):
        data = store.get(key)
        if data is not None:
            stored.append((f"'{key}'", data))
    return (*stored, *consents_at_hand(subject))


def find_consent(store: Store, consent: str) -> tuple[str, bytes] | None:
    """Source and token of the stored consent of this id, or None."""
    for key in store.list_keys(CONSENTS):
        if key.rpartition("/")[2] == f"{consent}.jws":
            data = store.get(key)
            return None if data is None else (f"'{key}'", data)
    return None


def latest_revocations(store: Store, trust: Trust) -> Revocations | None:
    """The latest revocation list, or None where there is none.

    Raises:
        RefusedError: the latest cannot be believed; an older one does not stand in for it.
    """
    keys = store.list_keys(REVOKED)
    data = store.get(keys[-1]) if keys else None
    return None if data is None else read_revocations(data, trust, source=f"'{keys[-1]}'")


def revoke(
    store: Store,
    revoked: tuple[Revoked, ...],
    key: SigningKey,
    trust: Trust,
    *,
    now_s: float,
    life_s: int,
) -> Revocations:
    """Sign and store the list that follows the latest, with `revoked` on it; none only renews.

    Raises:
        RefusedError: the latest list, or the key, is not trusted here.
    """
    for _ in range(_TRIES):
        before = latest_revocations(store, trust)
        after = renewed(before, revoked, now_s=now_s, life_s=life_s)
        token = sign_revocations(after, key)
        read_revocations(token, trust, source="the new revocation list")
        if store.put_if_absent(revocation_list(after.number), token):
            return after
    raise AssertionError(f"{_TRIES} other revokers came first")
