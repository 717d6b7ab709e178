"""The object store: bytes under keys, one winner for each conditional put.

It does not know what is stored. `local` and `s3` implement it; both pass the contract suite in
tests/cluster/store_contract.py.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bodyswap.errors import StoreError
from cluster.stores.compose import Content

LONGEST_KEY = 800
_PART = r"[A-Za-z0-9][A-Za-z0-9._=+@-]{0,199}"
_KEY = re.compile(rf"{_PART}(?:/{_PART})*")


@dataclass(frozen=True, kw_only=True)
class ObjectFacts:
    """What is known of a stored object without reading it."""

    key: str
    size_bytes: int


class Store(Protocol):
    """Where everything durable lives. Every method raises StoreError where the store fails."""

    @property
    def url(self) -> str:
        """What `opening.open_store` opens this store by, in any process."""

    def get(self, key: str) -> bytes | None:
        """The object's bytes, or None where there is none."""

    def read_range(self, key: str, start: int, stop: int) -> bytes:
        """The object's bytes from `start` up to `stop`, or to its end where that comes first."""

    def compose(self, key: str, contents: Sequence[Content]) -> int:
        """Store `contents`, one after another, as one object, over whatever was there.

        Bytes of other objects are copied inside the store where its parts allow; those that went
        through this machine are counted and returned. Servers differ in whether a multipart upload
        can be completed on a condition, so whoever composes writes under a key of their own and
        commits it by `put_if_absent` of what names it.
        """

    def put(self, key: str, data: bytes) -> None:
        """Store `data`, whole or not at all, over whatever was there."""

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Store `data` unless the key is taken; of any number of callers exactly one gets True."""

    def list_keys(self, prefix: str) -> list[str]:
        """Every key that begins with `prefix`, sorted."""

    def head(self, key: str) -> ObjectFacts | None:
        """The object's facts, or None where there is none."""

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens where there is none."""

    def copy(self, key: str, to: str) -> None:
        """Store the object under a second key too, inside the store."""

    def put_file(self, key: str, path: Path) -> None:
        """Store a file of any size, never whole in memory."""

    def fetch_file(self, key: str, path: Path) -> None:
        """Write the object to `path`, which appears only when complete."""


def check_key(key: str) -> str:
    """`key` itself. Raises StoreError where it could not name an object in every store."""
    if len(key) > LONGEST_KEY or not _KEY.fullmatch(key):
        raise StoreError(
            f"'{key}' is no key; use letters, digits and ._=+@- in parts that do not begin with a"
            f" dot, joined by /, {LONGEST_KEY} characters at most"
        )
    return key


def check_prefix(prefix: str) -> str:
    """`prefix` itself. Raises StoreError where no key could begin so."""
    if prefix and not _KEY.fullmatch(prefix.removesuffix("/")):
        raise StoreError(f"'{prefix}' begins no key")
    return prefix


def missing(key: str, store_url: str) -> StoreError:
    """The error for an object that should have been there."""
    return StoreError(f"'{key}' is not in the store at {store_url}")


def check_whole(key: str, data: bytes, expected: int) -> None:
    """Raises StoreError where fewer bytes came than were asked for."""
    if len(data) != expected:
        raise StoreError(f"'{key}' gave {len(data)} of {expected} bytes; it is shorter than told")


def put_once(store: Store, key: str, path: Path) -> None:
    """Store a file whose key tells its content, unless it lies there already, whole."""
    facts = store.head(key)
    if facts is None or facts.size_bytes != path.stat().st_size:
        store.put_file(key, path)
