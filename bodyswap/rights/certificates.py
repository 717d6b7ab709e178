"""A signing chain made here: root, intermediate and leaf, as C2PA asks for them.

For whoever has no certificate of an authority's: its signatures are proof for those who hold the
root, and for nobody else. It does not know what is signed.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bodyswap.errors import UsageError

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

CHAIN, KEY, ROOT = "chain.pem", "key.pem", "root.pem"
_YEARS = {"root": 20, "intermediate": 10, "leaf": 3}


@dataclass(frozen=True, kw_only=True)
class _Certified:
    certificate: "x509.Certificate"
    key: "Ed25519PrivateKey"


def make_chain(folder: Path, organisation: str, *, now_s: float) -> None:
    """Write chain.pem (leaf, intermediate), key.pem and root.pem into a new folder.

    The root's and the intermediate's private keys are thrown away: nothing else is ever signed.

    Raises:
        UsageError: the folder is there already, or cannot be written.
    """
    from cryptography.hazmat.primitives import serialization

    root = _certify("root", organisation, None, now_s)
    intermediate = _certify("intermediate", organisation, root, now_s)
    leaf = _certify("leaf", organisation, intermediate, now_s)
    pem = serialization.Encoding.PEM
    chain = b"".join(one.certificate.public_bytes(pem) for one in (leaf, intermediate))
    secret = leaf.key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        folder.mkdir(parents=True)
        (folder / KEY).touch(mode=0o600)
        (folder / KEY).write_bytes(secret)
        (folder / CHAIN).write_bytes(chain)
        (folder / ROOT).write_bytes(root.certificate.public_bytes(pem))
    except OSError as error:
        raise UsageError(f"cannot write a chain to '{folder}': {error.strerror}") from error


def _certify(rank: str, organisation: str, issuer: _Certified | None, now_s: float) -> _Certified:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.x509.oid import NameOID

    key = Ed25519PrivateKey.generate()
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{organisation} bodyswap {rank}"),
        ]
    )
    signing_key = issuer.key if issuer else key
    begins = datetime.fromtimestamp(now_s, UTC) - timedelta(minutes=5)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=365 * _YEARS[rank]))
    )
    for extension, is_critical in _extensions(rank, key, signing_key):
        builder = builder.add_extension(extension, critical=is_critical)
    return _Certified(certificate=builder.sign(signing_key, None), key=key)


def _extensions(
    rank: str, key: "Ed25519PrivateKey", signer: "Ed25519PrivateKey"
) -> "list[tuple[x509.ExtensionType, bool]]":
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    is_leaf = rank == "leaf"
    length = {"root": 1, "intermediate": 0}.get(rank)
    usage = x509.KeyUsage(
        digital_signature=is_leaf, key_cert_sign=not is_leaf, crl_sign=not is_leaf,
        content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=not is_leaf, path_length=length), True),
        (usage, True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False),
    ]
    if is_leaf:
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        extensions.append((purpose, False))
    return extensions
