"""Signed documents: JSON payloads in JWS general JSON, each signature by one Ed25519 key.

The one user of joserfc. It does not know what is signed, nor whom to trust: a signature names its
key, and only proves that the key's owner signed these very bytes as this kind of document.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from bodyswap.errors import UsageError
from bodyswap.rights.refusal import Refusal, RefusedError
from bodyswap.rights.signing_keys import (
    SigningKey,
    base64_url,
    check_public_key,
    from_base64_url,
    public_bytes,
)

LONGEST_TOKEN_BYTES = 1 << 18
MOST_SIGNATURES = 8
_ALGORITHM = "Ed25519"


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A document whose every signature holds, and the public keys that made them."""

    payload: bytes
    keys: tuple[str, ...]


class _Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    alg: str
    kid: str
    typ: str


class _Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    protected: str
    signature: str


class _Token(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    payload: str
    signatures: tuple[_Signature, ...]


def sign(payload: bytes, kind: str, keys: Sequence[SigningKey]) -> bytes:
    """The payload signed by each key, as a document of this kind."""
    text = base64_url(payload)
    signatures = tuple(_signed(text, kind, key) for key in keys)
    return msgspec.json.format(msgspec.json.encode(_Token(payload=text, signatures=signatures)))


def add_signature(token: bytes, kind: str, key: SigningKey, *, source: str) -> bytes:
    """The same document with one signature more; the ones it has must hold."""
    opened = open_signed(token, kind, source=source)
    if key.public in opened.keys:
        return token
    held = _read(token, source)
    signed = (*held.signatures, _signed(held.payload, kind, key))
    whole = _Token(payload=held.payload, signatures=signed)
    return msgspec.json.format(msgspec.json.encode(whole))


def open_signed(token: bytes, kind: str, *, source: str) -> Opened:
    """The document, once every one of its signatures is proven; `source` names it in errors.

    Raises:
        RefusedError: it is malformed, of another kind, or a signature does not hold.
    """
    held = _read(token, source)
    if not 1 <= len(held.signatures) <= MOST_SIGNATURES:
        raise RefusedError(
            Refusal.UNSIGNED,
            f"{source} has {len(held.signatures)} signatures; 1 to {MOST_SIGNATURES} are taken",
        )
    keys = tuple(_proven(held.payload, each, kind, source) for each in held.signatures)
    return Opened(payload=from_base64_url(held.payload), keys=keys)


def _read(token: bytes, source: str) -> _Token:
    if len(token) > LONGEST_TOKEN_BYTES:
        raise RefusedError(
            Refusal.MALFORMED,
            f"{source} has {len(token)} bytes; no signed document has over {LONGEST_TOKEN_BYTES}",
        )
    try:
        held = msgspec.json.decode(token, type=_Token)
        from_base64_url(held.payload)
    except (msgspec.MsgspecError, ValueError) as error:
        raise RefusedError(
            Refusal.MALFORMED, f"{source} is not a signed document: {error}"
        ) from error
    return held


def _proven(payload: str, signature: _Signature, kind: str, source: str) -> str:
    """The public key that made the signature."""
    from joserfc.errors import JoseError
    from joserfc.jwk import OKPKey
    from joserfc.jws import FlattenedJSONSerialization, deserialize_json

    header = _header(signature, source)
    _check_header(header, kind, source)
    x = base64_url(public_bytes(header.kid))
    flat = FlattenedJSONSerialization(
        payload=payload, protected=signature.protected, signature=signature.signature
    )
    try:
        key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": x})
        deserialize_json(flat, key, algorithms=[_ALGORITHM])
    except (JoseError, ValueError) as error:
        raise RefusedError(
            Refusal.FORGED,
            f"{source} is forged or was changed after it was signed: the signature of"
            f" {header.kid} does not hold",
        ) from error
    return header.kid


def _header(signature: _Signature, source: str) -> _Header:
    try:
        return msgspec.json.decode(from_base64_url(signature.protected), type=_Header)
    except (msgspec.MsgspecError, ValueError) as error:
        raise RefusedError(
            Refusal.MALFORMED, f"{source} has a signature without a readable header: {error}"
        ) from error


def _check_header(header: _Header, kind: str, source: str) -> None:
    if header.alg.lower() == "none":
        raise RefusedError(
            Refusal.ALG_NONE, f"{source} says algorithm '{header.alg}': nobody signed it"
        )
    if header.alg != _ALGORITHM:
        raise RefusedError(
            Refusal.WRONG_ALGORITHM,
            f"{source} is signed with '{header.alg[:20]}'; only {_ALGORITHM} is taken",
        )
    if header.typ != kind:
        raise RefusedError(
            Refusal.MALFORMED, f"{source} is a '{header.typ[:40]}', where a '{kind}' is needed"
        )
    try:
        check_public_key(header.kid)
    except (UsageError, ValueError) as error:
        raise RefusedError(
            Refusal.MALFORMED, f"{source} has a signature that names no key: {error}"
        ) from error


def _signed(payload: str, kind: str, key: SigningKey) -> _Signature:
    from joserfc.jwk import OKPKey
    from joserfc.jws import HeaderDict, serialize_json

    x, d = base64_url(public_bytes(key.public)), base64_url(key.secret)
    member = HeaderDict(protected={"alg": _ALGORITHM, "kid": key.public, "typ": kind})
    private = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": x, "d": d})
    token = serialize_json(member, from_base64_url(payload), private, algorithms=[_ALGORITHM])
    return _Signature(protected=str(token["protected"]), signature=str(token["signature"]))
