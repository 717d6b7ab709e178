"""A token becomes a record only if everybody it names, and nobody else, signed these very bytes."""

import hashlib
import hmac
import json
from collections.abc import Callable

import msgspec
import pytest

from bodyswap.rights.consent import KIND, Signer, read_consent, read_signatures, terms_payload
from bodyswap.rights.refusal import Refusal, RefusedError
from bodyswap.rights.signed import add_signature, sign
from bodyswap.rights.signing_keys import base64_url, from_base64_url, public_bytes
from bodyswap.rights.trust import Capacity
from tests.rights.papers import (
    MARA,
    PERFORMER,
    PRODUCER,
    REGISTRY,
    STRANGER,
    STUDIO,
    TERMS,
    TRUST,
    changed,
    token,
)


def _refusal(data: bytes) -> Refusal:
    with pytest.raises(RefusedError) as refused:
        read_consent(data, TRUST, source="it")
    assert refused.value.exit_code == 9 and "\n" not in str(refused.value)
    return refused.value.refusal


def _with_header(change: Callable[[dict[str, str]], None], signature: str | None = None) -> bytes:
    """Mara's and the studio's token, the first signature's header changed."""
    held = json.loads(token())
    first = held["signatures"][0]
    header = json.loads(from_base64_url(first["protected"]))
    change(header)
    first["protected"] = base64_url(json.dumps(header).encode())
    first["signature"] = first["signature"] if signature is None else signature
    return json.dumps(held).encode()


def _resigned_with_hs256() -> bytes:
    """The old confusion: the public key, which everybody has, taken for a shared secret."""
    held = json.loads(token())
    header = {"alg": "HS256", "kid": MARA.public, "typ": KIND}
    protected = base64_url(json.dumps(header).encode())
    signed = f"{protected}.{held['payload']}".encode()
    mac = hmac.new(public_bytes(MARA.public), signed, hashlib.sha256).digest()
    held["signatures"][0] = {"protected": protected, "signature": base64_url(mac)}
    return json.dumps(held).encode()


def test_a_record_signed_by_both_is_read_and_named_by_its_content() -> None:
    record = read_consent(token(), TRUST, source="it")
    assert record.terms == TERMS and not record.is_synthetic
    assert record.id == "consent-" + hashlib.sha256(terms_payload(TERMS)).hexdigest()[:24]


def test_what_was_signed_cannot_be_changed_by_one_bit() -> None:
    held = json.loads(token())
    payload = bytearray(from_base64_url(held["payload"]))
    for position in range(0, len(payload), 7):
        altered = payload.copy()
        altered[position] ^= 1
        held["payload"] = base64_url(bytes(altered))
        assert _refusal(json.dumps(held).encode()) is Refusal.FORGED


def test_a_token_of_algorithm_none_is_refused_however_it_is_spelt() -> None:
    for spelt in ("none", "None", "NONE"):
        forged = _with_header(lambda header, spelt=spelt: header.update(alg=spelt), signature="")
        assert _refusal(forged) is Refusal.ALG_NONE


def test_a_public_key_is_never_taken_for_a_shared_secret() -> None:
    assert _refusal(_resigned_with_hs256()) is Refusal.WRONG_ALGORITHM


def test_a_signature_that_names_another_key_than_made_it_is_forged() -> None:
    assert _refusal(_with_header(lambda h: h.update(kid=STUDIO.public))) is Refusal.FORGED
    assert _refusal(_with_header(lambda h: h.update(kid=STRANGER.public))) is Refusal.FORGED


def test_a_header_may_hold_nothing_but_algorithm_key_and_kind() -> None:
    for change in ({"crit": ["exp"]}, {"jwk": "x"}, {"b64": "false"}, {"kid": "ed25519:short"}):
        forged = _with_header(lambda header, change=change: header.update(change))  # type: ignore[arg-type]
        assert _refusal(forged) is Refusal.MALFORMED


def test_another_kind_of_signed_document_is_no_consent() -> None:
    other = sign(terms_payload(TERMS), "bodyswap-revocations", (MARA, STUDIO))
    assert _refusal(other) is Refusal.MALFORMED


@pytest.mark.parametrize("data", [b"", b"{}", b"null", b"\xff\xfe", b"[" * 5000, b"a" * 300_000])
def test_what_is_no_token_is_refused_in_one_line(data: bytes) -> None:
    assert _refusal(data) is Refusal.MALFORMED


def test_everybody_named_must_sign_and_nobody_else_may() -> None:
    assert _refusal(token(TERMS, MARA)) is Refusal.UNSIGNED
    assert _refusal(token(TERMS, MARA, STUDIO, STRANGER)) is Refusal.FORGED
    held = json.loads(token())
    held["signatures"] = []
    assert _refusal(json.dumps(held).encode()) is Refusal.UNSIGNED


def test_a_second_signature_can_be_added_to_the_same_bytes() -> None:
    first = token(TERMS, MARA)
    both = add_signature(first, KIND, STUDIO, source="it")
    assert read_consent(both, TRUST, source="it").terms == TERMS
    assert add_signature(both, KIND, STUDIO, source="it") == both


def test_only_the_operators_issuers_count_and_only_as_what_they_may_sign() -> None:
    strangers = Signer(name="Mara Lind", capacity=Capacity.PERFORMER, key=STRANGER.public)
    forged = token(changed(signers=(strangers,)), STRANGER)
    assert read_signatures(forged, source="it").terms.signers == (strangers,)
    assert _refusal(forged) is Refusal.UNTRUSTED
    as_performer = Signer(name="Nightfall", capacity=Capacity.PERFORMER, key=STUDIO.public)
    assert _refusal(token(changed(signers=(as_performer,)), STUDIO)) is Refusal.UNTRUSTED
    assert _refusal(token(changed(subject="nora"))) is Refusal.UNTRUSTED
    revoker = Signer(name="registry", capacity=Capacity.PERFORMER, key=REGISTRY.public)
    assert _refusal(token(changed(signers=(revoker,)), REGISTRY)) is Refusal.UNTRUSTED


def test_a_producer_alone_speaks_for_nobody() -> None:
    assert _refusal(token(changed(signers=(PRODUCER,)), STUDIO)) is Refusal.UNSIGNED


def test_a_farm_may_require_the_producer_too() -> None:
    alone = token(changed(signers=(PERFORMER,)), MARA)
    assert read_consent(alone, TRUST, source="it")
    strict = msgspec.structs.replace(TRUST, required=(Capacity.PRODUCER,))
    with pytest.raises(RefusedError, match="no producer's signature"):
        read_consent(alone, strict, source="it")
    assert read_consent(token(), strict, source="it")


def test_a_person_cannot_be_half_synthetic() -> None:
    drawn = Signer(name="Mara", capacity=Capacity.SYNTHETIC, key=MARA.public)
    with pytest.raises(ValueError, match="in no other capacity"):
        changed(signers=(drawn, PRODUCER))
    assert read_consent(token(changed(signers=(drawn,)), MARA), TRUST, source="it").is_synthetic


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "../mara"}, {"subject": ""}, {"signers": ()}, {"footage": ("f" * 63,)},
        {"checkpoints": ("Z" * 64,)}, {"expires": 0}, {"contact": " "}, {"format": 2},
    ],
)  # fmt: skip
def test_terms_that_make_no_sense_cannot_be_written(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        changed(**change)
