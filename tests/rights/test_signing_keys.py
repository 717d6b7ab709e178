"""Keys are written for their owner's eyes, and read again only as what they are."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bodyswap.errors import UsageError
from bodyswap.rights.signing_keys import (
    check_public_key,
    make_signing_key,
    read_signing_key,
    write_signing_key,
)


def test_a_written_key_is_read_again_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    key, path = make_signing_key(), tmp_path / "keys/mara.pem"
    write_signing_key(path, key)
    assert read_signing_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="File exists"):
        write_signing_key(path, make_signing_key())


def test_a_locked_key_needs_its_passphrase(tmp_path: Path) -> None:
    key, path = make_signing_key(), tmp_path / "mara.pem"
    write_signing_key(path, key, "swordfish")
    assert read_signing_key(path, "swordfish") == key
    for wrong in ("marlin", None):
        with pytest.raises(UsageError, match="its passphrase is another"):
            read_signing_key(path, wrong)


def test_other_keys_and_files_are_refused(tmp_path: Path) -> None:
    elliptic = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path / "key.pem"
    for data, words in ((elliptic, "no Ed25519 key"), (b"hello", "cannot be opened as a key")):
        path.write_bytes(data)
        with pytest.raises(UsageError, match=words):
            read_signing_key(path)
    with pytest.raises(UsageError, match="cannot read"):
        read_signing_key(tmp_path / "none.pem")


def test_the_secret_is_in_no_repr() -> None:
    key = make_signing_key()
    assert repr(key.secret) not in repr(key) and "secret" not in repr(key)


@pytest.mark.parametrize("text", ["", "ed25519:", "rsa:" + "A" * 43, "ed25519:" + "A" * 42 + "B"])
def test_a_public_key_is_one_line_of_one_form(text: str) -> None:
    assert check_public_key(make_signing_key().public)
    with pytest.raises(UsageError, match="no public key"):
        check_public_key(text)
