"""Values as the bytes the store keeps, and back, checked against their types.

It does not know which values, or where they are kept.
"""

import hashlib
from pathlib import Path
from typing import TypeVar

import msgspec

from bodyswap.errors import IntegrityError, UsageError

Value = TypeVar("Value")

_NOT_DECODED = (msgspec.MsgspecError, UsageError, UnicodeDecodeError, RecursionError)
_HASH_BLOCK_BYTES = 1 << 20


def to_json(value: object) -> bytes:
    """Readable JSON, the same bytes for the same value."""
    return msgspec.json.format(msgspec.json.encode(value, order="deterministic"), indent=1) + b"\n"


def from_json(data: bytes, kind: type[Value], *, what: str) -> Value:
    """The `kind` that `data` holds.

    Raises:
        IntegrityError: it holds something else; `what` names it in the message.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except _NOT_DECODED as error:
        raise IntegrityError(f"{what} is damaged: {error}") from error


def to_yaml(value: object) -> bytes:
    return msgspec.yaml.encode(value, order="deterministic")


def from_yaml(data: bytes, kind: type[Value], *, what: str) -> Value:
    """The `kind` that `data` holds. Raises IntegrityError where it holds something else."""
    try:
        return msgspec.yaml.decode(data, type=kind)
    except _NOT_DECODED as error:
        raise IntegrityError(f"{what} is damaged: {error}") from error


def content_hash(value: object) -> str:
    """SHA-256, in hex, of the value's JSON with sorted keys."""
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256, in hex, of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
