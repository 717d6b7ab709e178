"""The packaged performers carry a consent that says they are synthetic, and covers only them."""

import hashlib
import time
from pathlib import Path

import pytest

from bodyswap.rights.consent import KIND, read_consent, terms_payload
from bodyswap.rights.packaged import packaged_consents
from bodyswap.rights.permit import Act, Deed, permits
from bodyswap.rights.refusal import Refusal, RefusedError
from bodyswap.rights.release import release, synthetic_terms
from bodyswap.rights.signed import sign
from bodyswap.rights.trust import packaged_trust, read_trust
from bodyswap.subjects import packaged_subjects
from tests.rights.papers import STRANGER


def _act(subject: str, weights: bytes) -> Act:
    digest = hashlib.sha256(weights).hexdigest()
    return Act(
        deed=Deed.RENDER, subject=subject, production="any", shot="any", use="any",
        checkpoint=digest,
    )  # fmt: skip


def test_every_packaged_model_has_a_consent_for_its_very_weights() -> None:
    """Fails after a packaged model changed: run `python -m bodyswap.rights.release`."""
    for name, folder in packaged_subjects().items():
        ((source, token),) = packaged_consents(name)
        record = read_consent(token, packaged_trust(), source=source)
        assert record.is_synthetic and not record.terms.training
        act = _act(name, (folder / "generator.safetensors").read_bytes())
        permits(record, act, time.time(), None)


def test_somebody_passed_off_as_a_packaged_performer_is_refused() -> None:
    ((source, token),) = packaged_consents("vega")
    record = read_consent(token, packaged_trust(), source=source)
    with pytest.raises(RefusedError) as refused:
        permits(record, _act("vega", b"weights of a real person"), time.time(), None)
    assert refused.value.refusal is Refusal.WRONG_CHECKPOINT
    with pytest.raises(RefusedError, match="not trust") as refused:
        terms = synthetic_terms("vega", STRANGER.public, ("*",), 0)
        read_consent(sign(terms_payload(terms), KIND, [STRANGER]), packaged_trust(), source="it")


def test_the_packaged_key_is_trusted_for_synthetic_packaged_names_alone() -> None:
    (issuer,) = packaged_trust().issuers
    assert issuer.capacities == ("synthetic",)
    assert set(issuer.subjects) == set(packaged_subjects())
    assert packaged_consents("mara") == ()


def test_each_release_has_a_key_of_its_own_and_leaves_no_private_half(tmp_path: Path) -> None:
    (tmp_path / "nova").mkdir()
    (tmp_path / "nova/generator.safetensors").write_bytes(b"weights")
    keys = set()
    for index in range(2):
        folder = tmp_path / str(index)
        release({"nova": tmp_path / "nova"}, folder, now_s=time.time())
        assert sorted(path.name for path in folder.iterdir()) == ["nova.jws", "trust.yaml"]
        trust = read_trust((folder / "trust.yaml").read_text(), "it")
        record = read_consent((folder / "nova.jws").read_bytes(), trust, source="it")
        permits(record, _act("nova", b"weights"), time.time(), None)
        keys.add(trust.issuers[0].key)
    assert len(keys) == 2
