"""Ed25519 keys: made, written where only their owner reads them, read again.

The one user of cryptography's keys. It does not know what is signed. A public key is one line of
text, "ed25519:" and 43 characters of base64url: it names itself, so nothing need be looked up.
"""

import base64
import binascii
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from bodyswap.errors import UsageError

_PUBLIC = re.compile(r"ed25519:[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """A private key and its public text. The secret is kept out of every repr."""

    secret: bytes = field(repr=False)
    public: str


def make_signing_key() -> SigningKey:
    """A new key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return key_from_secret(Ed25519PrivateKey.generate().private_bytes_raw())


def key_from_secret(secret: bytes) -> SigningKey:
    """The key whose raw secret of 32 bytes this is."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
    return SigningKey(secret=secret, public=f"ed25519:{base64_url(public)}")


def write_signing_key(path: Path, key: SigningKey, passphrase: str | None = None) -> None:
    """Write the key as PKCS#8 PEM that only its owner may read; never over another file.

    Raises:
        UsageError: the file is there already, or cannot be written.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    locked = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )
    text = Ed25519PrivateKey.from_private_bytes(key.secret).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UsageError(f"cannot write a key to '{path}': {error.strerror}") from error
    with os.fdopen(handle, "wb") as file:
        file.write(text)


def read_signing_key(path: Path, passphrase: str | None = None) -> SigningKey:
    """The key in a PEM file.

    Raises:
        UsageError: it cannot be read, is locked by another passphrase, or is of another kind.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        secret = passphrase.encode() if passphrase else None
        key = serialization.load_pem_private_key(path.read_bytes(), secret)
    except OSError as error:
        raise UsageError(f"cannot read the key '{path}': {error.strerror}") from error
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"'{path}' cannot be opened as a key: it is damaged, or its passphrase is another"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"'{path}' is no Ed25519 key; make one with `bodyswap consent key`")
    return key_from_secret(key.private_bytes_raw())


def check_public_key(text: str) -> str:
    """`text` itself. Raises UsageError where it is no public key."""
    if not _PUBLIC.fullmatch(text) or base64_url(public_bytes(text)) != text.partition(":")[2]:
        raise UsageError(
            f"'{text[:60]}' is no public key; it is written ed25519: and 43 characters, as "
            "`bodyswap consent key` prints it"
        )
    return text


def public_bytes(text: str) -> bytes:
    """The raw 32 bytes of a public key's text."""
    return from_base64_url(text.partition(":")[2])


def base64_url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64_url(text: str) -> bytes:
    """The bytes of unpadded base64url. Raises ValueError where `text` is none."""
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        raise ValueError("not base64url")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error
