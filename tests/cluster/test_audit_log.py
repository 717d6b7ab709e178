"""The audit log: any number of writers, one chain; every kind of tampering is found and named."""

import threading
import time
from pathlib import Path

import msgspec
import pytest

from bodyswap.errors import IntegrityError
from bodyswap.rights.audit import Event, Fact, entry_bytes
from bodyswap.rights.signing_keys import key_from_secret, write_signing_key
from bodyswap.rights.trust import Trust, TrustedKey
from cluster.jobs.keys import AUDIT_ENTRIES, AUDIT_HINT, audit_entry, audit_head
from cluster.rights.audit_log import append, read_verified
from cluster.stores.local import LocalStore
from cluster.stores.store import ObjectFacts

AUDITOR = key_from_secret(b"auditor".ljust(32))
STRANGER = key_from_secret(b"stranger".ljust(32))


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    """Of a machine that holds the auditor's key."""
    path = tmp_path / "auditor.pem"
    write_signing_key(path, AUDITOR)
    auditor = TrustedKey(name="auditor", key=AUDITOR.public)
    return Trust(auditors=(auditor,), audit_key=str(path))


def _fact(detail: str) -> Fact:
    return Fact(event=Event.PERMITTED, by="w0", deed="render", subject="mara", detail=detail)


def _fill(store: LocalStore, trust: Trust, count: int) -> None:
    for number in range(count):
        assert append(store, _fact(str(number)), trust, at_s=1000.0 + number) == number


def test_entries_are_read_back_in_their_order_and_the_last_is_signed_for(
    store: LocalStore, trust: Trust
) -> None:
    _fill(store, trust, 5)
    log = read_verified(store, trust)
    assert [entry.fact.detail for entry in log.entries] == ["0", "1", "2", "3", "4"]
    assert log.signed_up_to == 4


def test_writers_at_once_make_one_chain(store: LocalStore) -> None:
    def write(name: str) -> None:
        for number in range(10):
            append(store, _fact(f"{name} {number}"), Trust(), at_s=time.time())

    writers = [threading.Thread(target=write, args=(f"w{index}",)) for index in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    log = read_verified(store, Trust())
    details = [entry.fact.detail for entry in log.entries]
    assert sorted(details) == sorted(f"w{index} {n}" for index in range(4) for n in range(10))
    for index in range(4):  # each writer's own entries keep their order
        own = [detail for detail in details if detail.startswith(f"w{index}")]
        assert own == [f"w{index} {number}" for number in range(10)]
    assert log.signed_up_to is None


@pytest.mark.parametrize("hint", [b"", b"0", b"3", b"999999", b"-5", b"x" * 100, b"9" * 30])
def test_a_wrong_hint_misleads_nobody(store: LocalStore, trust: Trust, hint: bytes) -> None:
    _fill(store, trust, 7)
    store.put(AUDIT_HINT, hint)
    assert append(store, _fact("after"), trust, at_s=2000.0) == 7
    assert len(read_verified(store, trust).entries) == 8


def test_a_changed_entry_is_found(store: LocalStore) -> None:
    _fill(store, Trust(), 5)
    data = store.get(audit_entry(2)) or b""
    store.put(audit_entry(2), data.replace(b'"by":"w0"', b'"by":"w1"'))
    with pytest.raises(IntegrityError, match="entry 3 does not follow entry 2"):
        read_verified(store, Trust())


def test_a_removed_entry_is_found(store: LocalStore) -> None:
    _fill(store, Trust(), 5)
    store.delete(audit_entry(2))
    with pytest.raises(IntegrityError, match="entry 2 is missing"):
        read_verified(store, Trust())


def test_entries_cut_off_at_the_end_are_missed_by_the_signed_head(
    store: LocalStore, trust: Trust
) -> None:
    _fill(store, trust, 5)
    store.delete(audit_entry(4))
    with pytest.raises(IntegrityError, match="ends at entry 3, but entry 4 was signed for"):
        read_verified(store, trust)


def test_a_chain_rewritten_from_some_entry_on_contradicts_a_signed_head(
    store: LocalStore, trust: Trust
) -> None:
    _fill(store, trust, 5)
    before = store.get(audit_entry(1)) or b""
    for number in range(2, 5):
        before = entry_bytes(before, _fact("nothing happened"), 1000.0 + number)
        store.put(audit_entry(number), before)
    with pytest.raises(IntegrityError, match="was rewritten"):
        read_verified(store, trust)


def test_only_a_trusted_auditors_heads_are_taken(store: LocalStore, trust: Trust) -> None:
    _fill(store, trust, 2)
    stranger = TrustedKey(name="stranger", key=STRANGER.public)
    with pytest.raises(IntegrityError, match="is no auditor"):
        read_verified(store, msgspec.structs.replace(trust, auditors=(stranger,)))
    store.put(audit_head(1), b"{}")
    with pytest.raises(IntegrityError, match="head of the audit log is damaged"):
        read_verified(store, trust)


def test_appending_looks_at_a_few_objects_however_long_the_log_is(store: LocalStore) -> None:
    _fill(store, Trust(), 70)
    looked: list[str] = []
    head = store.head

    class Counting(LocalStore):
        def head(self, key: str) -> ObjectFacts | None:
            looked.append(key)
            return head(key)

    store.delete(AUDIT_HINT)
    append(Counting(Path(store.url)), _fact("cold"), Trust(), at_s=1.0)
    assert len(looked) <= 2 * 7 + 1
    looked.clear()
    append(Counting(Path(store.url)), _fact("warm"), Trust(), at_s=1.0)
    assert len(set(looked)) == 2
    assert len(store.list_keys(AUDIT_ENTRIES)) == 72
