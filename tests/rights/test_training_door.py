"""Before training on one machine: the consents kept beside rights.yaml decide."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from bodyswap.errors import ConsentError, UsageError
from bodyswap.rights.consent import Terms, read_consent
from bodyswap.rights.refusal import Refusal, RefusedError
from bodyswap.rights.revocations import Revocations, Revoked, sign_revocations
from bodyswap.rights.training_door import permit_training
from cluster.cli.app import main
from tests.rights.papers import (
    DAY_S,
    FOOTAGE,
    NOW_S,
    PERFORMER,
    REGISTRY,
    STRANGER,
    STUDIO,
    TERMS,
    TRUST,
    changed,
    resigned_with_hs256,
    token,
    with_a_bit_flipped,
    with_header,
)

Keep = Callable[[bytes], None]


@pytest.fixture
def keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keep:
    """Keeps a consent for mara beside an operator's rights.yaml that trusts the papers' people."""
    trust = msgspec.structs.replace(TRUST, revocations=str(tmp_path / "revoked.jws"))
    (tmp_path / "rights.yaml").write_bytes(msgspec.yaml.encode(trust))
    monkeypatch.setenv("BODYSWAP_RIGHTS", str(tmp_path / "rights.yaml"))
    _list(tmp_path)

    def keep(data: bytes) -> None:
        path = tmp_path / "consents/mara/it.jws"
        path.parent.mkdir(parents=True)
        path.write_bytes(data)

    return keep


def _list(folder: Path, ended_s: int = -3600) -> None:
    now = int(time.time())
    listed = Revocations(number=0, issued=now - DAY_S, expires=now - ended_s)
    (folder / "revoked.jws").write_bytes(sign_revocations(listed, REGISTRY))


def _now(**changes: object) -> Terms:
    shift = int(time.time()) - NOW_S
    times = {
        name: getattr(TERMS, name) + shift
        for name in ("issued", "not_before", "expires", "delete_by")
    }
    return changed(**{**times, **changes})


def _refusal(footage: str = FOOTAGE, claimed: str | None = None) -> Refusal:
    with pytest.raises(RefusedError) as refused:
        permit_training("mara", (footage,), claimed)
    return refused.value.refusal


def test_a_consent_that_covers_the_footage_is_what_the_card_names(keep: Keep) -> None:
    keep(token(_now()))
    word = permit_training("mara", (FOOTAGE,), None)
    assert word.startswith("consent-")
    assert permit_training("mara", (FOOTAGE,), word) == word
    assert _refusal(claimed="consent-0") is Refusal.MISSING
    assert _refusal(claimed="synthetic") is Refusal.MISSING


@pytest.mark.parametrize(
    ("changes", "footage", "refusal"),
    [
        ({}, "e" * 64, Refusal.WRONG_FOOTAGE),
        ({"training": False}, FOOTAGE, Refusal.NO_TRAINING),
        ({"expires": int(time.time()) - 600}, FOOTAGE, Refusal.EXPIRED),
        ({"not_before": int(time.time()) + 6000}, FOOTAGE, Refusal.NOT_YET_VALID),
        ({"issued": int(time.time()) + 6000}, FOOTAGE, Refusal.CLOCK),
        ({"delete_by": int(time.time()) - 600}, FOOTAGE, Refusal.DELETION_DUE),
        ({"subject": "nora"}, FOOTAGE, Refusal.UNTRUSTED),
        ({"signers": (PERFORMER,)}, FOOTAGE, Refusal.FORGED),
    ],
)
def test_training_on_anything_else_is_refused(
    keep: Keep, changes: dict[str, object], footage: str, refusal: Refusal
) -> None:
    keep(token(_now(**changes)))
    assert _refusal(footage) is refusal


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (with_a_bit_flipped, Refusal.FORGED),
        (lambda held: with_header(lambda h: h.update(alg="none"), "", held), Refusal.ALG_NONE),
        (resigned_with_hs256, Refusal.WRONG_ALGORITHM),
        (lambda held: b"no consent", Refusal.MALFORMED),
    ],
)
def test_what_is_no_true_consent_trains_nobody(
    keep: Keep, change: Callable[[bytes], bytes], refusal: Refusal
) -> None:
    keep(change(token(_now())))
    assert _refusal() is refusal


def test_a_revoked_consent_trains_nobody(keep: Keep, tmp_path: Path) -> None:
    held = token(_now())
    keep(held)
    now = int(time.time())
    gone = Revoked(consent=read_consent(held, TRUST, source="it").id, at=now)
    listed = Revocations(number=1, issued=now, expires=now + DAY_S, revoked=(gone,))
    (tmp_path / "revoked.jws").write_bytes(sign_revocations(listed, REGISTRY))
    assert _refusal() is Refusal.REVOKED


def test_one_file_of_several_that_nobody_agreed_to_is_enough_to_refuse(keep: Keep) -> None:
    keep(token(_now()))
    with pytest.raises(ConsentError, match=r"SHA-256 eeeeeeeeeeee…"):
        permit_training("mara", (FOOTAGE, "e" * 64), None)


def test_without_a_consent_or_with_a_strangers_nobody_is_trained(keep: Keep) -> None:
    assert _refusal() is Refusal.MISSING
    stranger = msgspec.structs.replace(PERFORMER, key=STRANGER.public)
    keep(token(_now(signers=(stranger,)), STRANGER))
    assert _refusal() is Refusal.UNTRUSTED


def test_without_a_fresh_revocation_list_nobody_real_is_trained(keep: Keep, tmp_path: Path) -> None:
    keep(token(_now()))
    _list(tmp_path, ended_s=600)
    assert _refusal() is Refusal.STALE_REVOCATIONS
    (tmp_path / "revoked.jws").unlink()
    with pytest.raises(UsageError, match="cannot read the revocation list"):
        permit_training("mara", (FOOTAGE,), None)
    trust = msgspec.structs.replace(TRUST, revocations=None)
    (tmp_path / "rights.yaml").write_bytes(msgspec.yaml.encode(trust))
    assert _refusal() is Refusal.STALE_REVOCATIONS


def test_the_drawn_are_trained_without_a_list_and_their_card_says_synthetic() -> None:
    assert permit_training("rex", (FOOTAGE,), None) == "synthetic"
    assert permit_training("rex", (FOOTAGE,), "synthetic") == "synthetic"


def test_the_command_line_refuses_before_it_looks_at_a_single_frame(
    keep: Keep,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    keep(token(_now(), STUDIO))
    footage = tmp_path / "mara.mp4"
    footage.write_bytes(b"no video at all")
    words = ["train", str(footage), "--subject", "mara", "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["bodyswap", *words])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == ConsentError.exit_code
    assert "not signed by Mara Lind" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
