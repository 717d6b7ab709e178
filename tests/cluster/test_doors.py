"""The table of refusals: every cause at every door, by what the doors themselves look at."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from consenting_farm import (
    SHARD,
    after_a_while,
    forget,
    job_of,
    order_of,
    publish_again,
    publish_one,
    request_of,
    spec_of,
    terms_now,
    to_spoil,
    with_terms,
    withdraw,
    work,
)
from tiny_farm import TinyFarm

from bodyswap.config import RenderSettings
from bodyswap.rights.audit import Event
from bodyswap.rights.refusal import Refusal, RefusedError
from bodyswap.rights.revocations import Revocations, sign_revocations
from bodyswap.rights.trust import operator_trust
from bodyswap.timing import FrameRange
from cluster.asking.submit import JobRequest
from cluster.delivering.publish import publish
from cluster.jobs.job import JobState, Stage
from cluster.jobs.keys import consent_file, revocation_list
from cluster.jobs.plan import Shard
from cluster.rights.audit_log import read_verified
from cluster.rights.consents import put_consent
from cluster.rights.doors import checkpoint_of, permit_training, watched
from cluster.stores.asker import Asker
from tests.rights.papers import (
    DAY_S,
    FOOTAGE,
    PERFORMER,
    PRODUCER,
    REGISTRY,
    STRANGER,
    STUDIO,
    resigned_with_hs256,
    token,
    with_a_bit_flipped,
    with_header,
)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> TinyFarm:
    return publish_one(tmp_path_factory.mktemp("farm"))


@pytest.fixture
def farm(published: TinyFarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyFarm:
    return to_spoil(published, tmp_path, monkeypatch)


def _instead(change: Callable[[bytes], bytes]) -> Callable[[TinyFarm], None]:
    def spoil(farm: TinyFarm) -> None:
        farm.store.put(consent_file("tiny", "consent-0"), change(forget(farm)))

    return spoil


def _stale(farm: TinyFarm) -> None:
    old = Revocations(number=1, issued=int(time.time()) - DAY_S, expires=int(time.time()) - 3600)
    farm.store.put(revocation_list(1), sign_revocations(old, REGISTRY))


def _strangers_list(farm: TinyFarm) -> None:
    now = int(time.time())
    farm.store.put(
        revocation_list(1),
        sign_revocations(Revocations(number=1, issued=now, expires=now + 60), STRANGER),
    )


def _a_strangers_consent(farm: TinyFarm) -> None:
    forget(farm)
    stranger = msgspec.structs.replace(PERFORMER, key=STRANGER.public)
    terms = terms_now(signers=(stranger, PRODUCER))
    put_consent(farm.store, token(terms, STRANGER, STUDIO), source="it")


NOW = int(time.time())
SPOILT: dict[str, tuple[Callable[[TinyFarm], object], Refusal]] = {
    "none": (forget, Refusal.MISSING),
    "forged": (_instead(with_a_bit_flipped), Refusal.FORGED),
    "alg none": (
        _instead(lambda held: with_header(lambda h: h.update(alg="none"), "", held)),
        Refusal.ALG_NONE,
    ),
    "HS256 confusion": (_instead(resigned_with_hs256), Refusal.WRONG_ALGORITHM),
    "untrusted issuer": (_a_strangers_consent, Refusal.UNTRUSTED),
    "expired": (with_terms(expires=NOW - 600), Refusal.EXPIRED),
    "not yet valid": (with_terms(not_before=NOW + 6000), Refusal.NOT_YET_VALID),
    "out of the future": (with_terms(issued=NOW + 6000), Refusal.CLOCK),
    "to be deleted": (with_terms(delete_by=NOW - 600), Refusal.DELETION_DUE),
    "wrong subject": (_instead(lambda _: token(terms_now(subject="nora"))), Refusal.WRONG_SUBJECT),
    "wrong production": (with_terms(productions=("daybreak",)), Refusal.WRONG_PRODUCTION),
    "wrong shot": (with_terms(shots=("sc011_*",)), Refusal.WRONG_SHOT),
    "wrong use": (with_terms(uses=("advert",)), Refusal.WRONG_USE),
    "wrong checkpoint": (with_terms(checkpoints=("d" * 64,)), Refusal.WRONG_CHECKPOINT),
    "revoked": (withdraw, Refusal.REVOKED),
    "stale revocation list": (_stale, Refusal.STALE_REVOCATIONS),
    "a stranger's revocation list": (_strangers_list, Refusal.STALE_REVOCATIONS),
    "no revocation list": (
        lambda farm: farm.store.delete(revocation_list(0)),
        Refusal.STALE_REVOCATIONS,
    ),
}


def _submit(farm: TinyFarm) -> None:
    farm.client.submit(request_of(farm))


def _render(farm: TinyFarm) -> None:
    work(farm, order_of(farm))


def _go_on(farm: TinyFarm) -> None:
    """A shard that was permitted, when it has run for a while."""
    watched(farm.store, order_of(farm), lambda _: None, clock=after_a_while())(1)


def _assemble(farm: TinyFarm) -> None:
    shard = Shard(stage=Stage.ASSEMBLE, index=0, frames=FrameRange(start=0, stop=40))
    work(farm, order_of(farm, shard=shard))


def _download(farm: TinyFarm) -> None:
    farm.client.fetch(job_of(farm), farm.folder / "out")


def _train(farm: TinyFarm) -> None:
    permit_training(farm.store, "tiny", (FOOTAGE,), None, by="a trainer")


DOORS: dict[str, Callable[[TinyFarm], None]] = {
    "submit": _submit,
    "a shard": _render,
    "a running shard": _go_on,
    "assembly": _assemble,
    "publish": publish_again,
    "download": _download,
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("cause", SPOILT)
def test_every_cause_is_refused_at_every_door_and_written_down(
    farm: TinyFarm, cause: str, door: str
) -> None:
    spoil, refusal = SPOILT[cause]
    spoil(farm)
    before = len(read_verified(farm.store, operator_trust()).entries)
    with pytest.raises(RefusedError) as refused:
        DOORS[door](farm)
    assert refused.value.refusal is refusal
    assert "\n" not in str(refused.value)
    *_, last = read_verified(farm.store, operator_trust()).entries[before:]
    assert last.fact.event is Event.REFUSED and last.fact.detail.startswith(refusal)
    assert (last.fact.subject, last.fact.production) == ("tiny", "nightfall")


WITHOUT_A_SHOT = [cause for cause in SPOILT if cause not in {
    "wrong production", "wrong shot", "wrong use", "wrong checkpoint",
}]  # fmt: skip
"""Training is for no production, shot or use, and makes the checkpoint."""


@pytest.mark.parametrize("cause", WITHOUT_A_SHOT)
def test_every_cause_that_training_has_is_refused_at_its_door(farm: TinyFarm, cause: str) -> None:
    _train(farm)
    spoil, refusal = SPOILT[cause]
    spoil(farm)
    with pytest.raises(RefusedError) as refused:
        _train(farm)
    assert refused.value.refusal is refusal
    fact = read_verified(farm.store, operator_trust()).entries[-1].fact
    assert (fact.event, fact.deed, fact.by) == (Event.REFUSED, "train", "a trainer")


@pytest.mark.parametrize("door", ["submit", "a running shard", "publish", "download"])
def test_every_door_opens_for_what_was_agreed(farm: TinyFarm, door: str) -> None:
    DOORS[door](farm)
    facts = [entry.fact for entry in read_verified(farm.store, operator_trust()).entries]
    assert {fact.event for fact in facts} == {Event.PERMITTED, Event.PUBLISHED}
    assert {fact.deed for fact in facts} >= {"submit", "render", "assemble", "publish"}


def test_a_consent_for_one_checkpoint_covers_no_other_of_the_same_subject(farm: TinyFarm) -> None:
    spec = spec_of(farm)
    with_terms(checkpoints=(checkpoint_of(spec.subject),))(farm)
    publish_again(farm)
    files = tuple(dataclasses.replace(file, sha256="d" * 64) for file in spec.subject.files)
    retrained = dataclasses.replace(spec, subject=dataclasses.replace(spec.subject, files=files))
    with pytest.raises(RefusedError, match="does not cover the checkpoint"):
        work(farm, order_of(farm, retrained))


def _unmarked(farm: TinyFarm) -> JobRequest:
    return dataclasses.replace(request_of(farm), settings=RenderSettings(watermark=False))


def test_frames_without_a_watermark_need_a_consent_that_says_so_at_every_door(
    farm: TinyFarm,
) -> None:
    with pytest.raises(RefusedError, match="without a watermark"):
        farm.client.submit(_unmarked(farm))
    spec = spec_of(farm)
    bare = dataclasses.replace(spec, settings={**spec.settings, "watermark": False})
    for shard in (SHARD, Shard(stage=Stage.ASSEMBLE, index=0, frames=spec.frames)):
        with pytest.raises(RefusedError) as refused:
            work(farm, order_of(farm, bare, shard))
        assert refused.value.refusal is Refusal.UNMARKED
    for door in (
        lambda: publish(farm.store, bare, None, Asker()),  # type: ignore[arg-type]  # it does not come to them
        lambda: watched(farm.store, order_of(farm, bare), lambda _: None, clock=after_a_while())(1),
    ):
        with pytest.raises(RefusedError, match="without a watermark"):
            door()
    assert farm.client.manifest(spec.job).watermark.startswith(spec.picture_id[:10] + "@")
    with_terms(unmarked=True)(farm)
    job = farm.client.submit(_unmarked(farm))
    assert farm.run_inline(job).state is JobState.PUBLISHED
    assert farm.client.manifest(job).watermark == ""
