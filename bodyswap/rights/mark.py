"""What a render's frames are marked with: a key, and the payload that stands for what they show.

Light, so that whoever only passes a mark on need not load what draws it: see `watermark`.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from bodyswap.errors import UsageError

PAYLOAD_BITS = 40
DEMO_KEY = b"bodyswap's demo key, which everybody can read"
"""For farms whose operator set none: whoever reads this can find, forge and remove the mark."""
_LEAST_KEY_BYTES = 16


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A payload under a key. The key is no part of what is shown of it."""

    key: bytes = field(repr=False)
    payload: int

    def __post_init__(self) -> None:
        if not 0 <= self.payload < 1 << PAYLOAD_BITS:
            raise UsageError(f"a watermark's payload is {self.payload}; it has {PAYLOAD_BITS} bits")

    @property
    def name(self) -> str:
        """The payload and which key it is under, in hex; the key cannot be found by it."""
        return f"{self.payload:0{PAYLOAD_BITS // 4}x}@{key_name(self.key)}"


def mark_of(picture_id: str, key: bytes) -> Mark:
    """The mark that stands for an id, which is hexadecimal: its first bits."""
    return Mark(key=key, payload=payload_of(picture_id))


def payload_of(picture_id: str) -> int:
    """The payload that stands for an id."""
    return int(picture_id[: PAYLOAD_BITS // 4], 16)


def id_prefix(payload: int) -> str:
    """How the ids begin that the payload stands for."""
    return f"{payload:0{PAYLOAD_BITS // 4}x}"


def key_name(key: bytes) -> str:
    """A short name of a key, which gives nothing of it away."""
    return hashlib.blake2b(key, digest_size=4, person=b"bodyswap mark").hexdigest()


def read_key(path: Path | None) -> bytes:
    """The key in a file; without one, the packaged demo key.

    Raises:
        UsageError: the file cannot be read, or is too short for a secret.
    """
    if path is None:
        return DEMO_KEY
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise UsageError(f"cannot read the watermark's key '{path}': {error.strerror}") from error
    if len(key) < _LEAST_KEY_BYTES:
        raise UsageError(
            f"the watermark's key in '{path}' has {len(key)} bytes; give {_LEAST_KEY_BYTES} random"
            " ones or more, such as `openssl rand -hex 32` writes"
        )
    return key
