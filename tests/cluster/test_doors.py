"""The table of refusals: every cause at every door, by what the doors themselves look at."""

import dataclasses
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tiny_farm import TinyFarm, make_farm

from bodyswap.config import RenderSettings
from bodyswap.errors import ConsentError, IntegrityError, UsageError
from bodyswap.rights.audit import Event
from bodyswap.rights.consent import Terms
from bodyswap.rights.refusal import Refusal, RefusedError
from bodyswap.rights.revocations import Revocations, Revoked, sign_revocations
from bodyswap.rights.trust import Trust, operator_trust
from bodyswap.timing import FrameRange
from cluster.asking.submit import JobRequest
from cluster.delivering.publish import Finished, publish
from cluster.farm.controller import Controller
from cluster.jobs.commit import Commit, StoredFile, grant, read_commit
from cluster.jobs.job import JobSpec, JobState, Stage
from cluster.jobs.keys import CONSENTS, JobKeys, consent_file, revocation_list
from cluster.jobs.observe import read_spec
from cluster.jobs.order import Failed, Order
from cluster.jobs.plan import Shard
from cluster.jobs.progress import JobStatus
from cluster.rights.audit_log import read_verified
from cluster.rights.consents import consents_of, put_consent, revoke
from cluster.rights.doors import WATCH_EVERY_S, checkpoint_of, permit_training, watched
from cluster.stores.asker import Asker
from cluster.stores.local import LocalStore
from cluster.workers.inline import InlineRuntime
from cluster.workers.scratch import Scratch
from cluster.workers.worker import build_worker
from tests.rights.papers import (
    DAY_S,
    FOOTAGE,
    NOW_S,
    PERFORMER,
    PRODUCER,
    REGISTRY,
    STRANGER,
    STUDIO,
    TERMS,
    TRUST,
    resigned_with_hs256,
    token,
    with_a_bit_flipped,
    with_header,
)

SHARD = Shard(stage=Stage.RENDER, index=0, frames=FrameRange(start=0, stop=10))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> TinyFarm:
    """One job of a real person's, rendered to its end on a consent that covers it."""
    farm = make_farm(tmp_path_factory.mktemp("farm"))
    with pytest.MonkeyPatch.context() as environment:
        _trust(farm.folder, environment)
        _agree(farm, _terms())
        _list(farm)
        job = farm.client.submit(_request(farm))
        assert farm.run_inline(job).state is JobState.PUBLISHED
    return farm


@pytest.fixture
def farm(published: TinyFarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyFarm:
    """The same farm as it stands after that job, for one test to spoil."""
    shutil.copytree(published.folder, tmp_path, dirs_exist_ok=True)
    _trust(tmp_path, monkeypatch)
    return make_farm(tmp_path)


def _trust(folder: Path, environment: pytest.MonkeyPatch) -> None:
    anyone = tuple(msgspec.structs.replace(one, subjects=("*",)) for one in TRUST.issuers)
    trust = msgspec.structs.replace(TRUST, issuers=anyone)
    path = folder / "operator/rights.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(msgspec.yaml.encode(trust))
    environment.setenv("BODYSWAP_RIGHTS", str(path))


def _request(farm: TinyFarm) -> JobRequest:
    request = dataclasses.replace(farm.request(), project="nightfall")
    return dataclasses.replace(
        request, plate=request.plate.rename(request.plate.with_name("sc010_0040.txt"))
    )


def _terms(**changes: object) -> Terms:
    """Mara's terms for the tiny subject, about now instead of the tests' fixed instant."""
    now = int(time.time()) - NOW_S
    shifted = {
        name: getattr(TERMS, name) + now
        for name in ("issued", "not_before", "expires", "delete_by")
    }
    plain = {"subject": "tiny", "checkpoints": ("*",), **shifted, **changes}
    return msgspec.structs.replace(TERMS, **plain)


def _agree(farm: TinyFarm, terms: Terms) -> None:
    put_consent(farm.store, token(terms), source="it")


def _list(farm: TinyFarm, *revoked: Revoked, life_s: int = 3600) -> None:
    revoke(farm.store, revoked, REGISTRY, operator_trust(), now_s=time.time(), life_s=life_s)


def _forget(farm: TinyFarm) -> bytes:
    """Take the consent out of the store, and give it back."""
    ((_, held),) = consents_of(farm.store, "tiny")
    for key in farm.store.list_keys(CONSENTS):
        farm.store.delete(key)
    return held


def _instead(change: Callable[[bytes], bytes]) -> Callable[[TinyFarm], None]:
    def spoil(farm: TinyFarm) -> None:
        farm.store.put(consent_file("tiny", "consent-0"), change(_forget(farm)))

    return spoil


def _with_terms(**changes: object) -> Callable[[TinyFarm], None]:
    def spoil(farm: TinyFarm) -> None:
        _forget(farm)
        _agree(farm, _terms(**changes))

    return spoil


def _stale(farm: TinyFarm) -> None:
    old = Revocations(number=1, issued=int(time.time()) - DAY_S, expires=int(time.time()) - 3600)
    farm.store.put(revocation_list(1), sign_revocations(old, REGISTRY))


def _revoked(farm: TinyFarm) -> None:
    (key,) = farm.store.list_keys(CONSENTS)
    consent = Path(key).stem
    _list(farm, Revoked(consent=consent, at=int(time.time()), reason="she changed her mind"))


def _strangers_list(farm: TinyFarm) -> None:
    now = int(time.time())
    farm.store.put(
        revocation_list(1),
        sign_revocations(Revocations(number=1, issued=now, expires=now + 60), STRANGER),
    )


def _a_strangers_consent(farm: TinyFarm) -> None:
    _forget(farm)
    stranger = msgspec.structs.replace(PERFORMER, key=STRANGER.public)
    terms = _terms(signers=(stranger, PRODUCER))
    put_consent(farm.store, token(terms, STRANGER, STUDIO), source="it")


NOW = int(time.time())
SPOILT: dict[str, tuple[Callable[[TinyFarm], object], Refusal]] = {
    "none": (_forget, Refusal.MISSING),
    "forged": (_instead(with_a_bit_flipped), Refusal.FORGED),
    "alg none": (
        _instead(lambda held: with_header(lambda h: h.update(alg="none"), "", held)),
        Refusal.ALG_NONE,
    ),
    "HS256 confusion": (_instead(resigned_with_hs256), Refusal.WRONG_ALGORITHM),
    "untrusted issuer": (_a_strangers_consent, Refusal.UNTRUSTED),
    "expired": (_with_terms(expires=NOW - 600), Refusal.EXPIRED),
    "not yet valid": (_with_terms(not_before=NOW + 6000), Refusal.NOT_YET_VALID),
    "out of the future": (_with_terms(issued=NOW + 6000), Refusal.CLOCK),
    "to be deleted": (_with_terms(delete_by=NOW - 600), Refusal.DELETION_DUE),
    "wrong subject": (_instead(lambda _: token(_terms(subject="nora"))), Refusal.WRONG_SUBJECT),
    "wrong production": (_with_terms(productions=("daybreak",)), Refusal.WRONG_PRODUCTION),
    "wrong shot": (_with_terms(shots=("sc011_*",)), Refusal.WRONG_SHOT),
    "wrong use": (_with_terms(uses=("advert",)), Refusal.WRONG_USE),
    "wrong checkpoint": (_with_terms(checkpoints=("d" * 64,)), Refusal.WRONG_CHECKPOINT),
    "revoked": (_revoked, Refusal.REVOKED),
    "stale revocation list": (_stale, Refusal.STALE_REVOCATIONS),
    "a stranger's revocation list": (_strangers_list, Refusal.STALE_REVOCATIONS),
    "no revocation list": (
        lambda farm: farm.store.delete(revocation_list(0)),
        Refusal.STALE_REVOCATIONS,
    ),
}


def _job(farm: TinyFarm) -> str:
    (job,) = [status.job for status in farm.client.list_jobs()]
    return job


def _spec(farm: TinyFarm) -> JobSpec:
    spec = read_spec(farm.store, _job(farm))
    assert spec is not None
    return spec


def _order(farm: TinyFarm, spec: JobSpec | None = None, shard: Shard = SHARD) -> Order:
    """What a client writes who knows the farm's inside and asks nobody."""
    spec = spec or _spec(farm)
    lease = grant(farm.store, job=spec.job, shard=shard, epoch=50, worker="w0")
    return Order(spec=spec, lease=lease, inputs=())


def _work(farm: TinyFarm, order: Order) -> None:
    farm.store.delete(JobKeys(job=order.lease.job).commit(order.lease.shard))
    build_worker("w0", farm.worker_config).execute(order, lambda _: None)


def _submit(farm: TinyFarm) -> None:
    farm.client.submit(_request(farm))


def _render(farm: TinyFarm) -> None:
    _work(farm, _order(farm))


def _go_on(farm: TinyFarm) -> None:
    """A shard that was permitted, when it has run for a while."""
    now_s = iter((0.0, WATCH_EVERY_S, WATCH_EVERY_S))
    watched(farm.store, _order(farm), lambda _: None, clock=lambda: next(now_s))(1)


def _assemble(farm: TinyFarm) -> None:
    shard = Shard(stage=Stage.ASSEMBLE, index=0, frames=FrameRange(start=0, stop=40))
    _work(farm, _order(farm, shard=shard))


def _publish(farm: TinyFarm) -> None:
    commits = {stage: _commits(farm, stage) for stage in Stage}
    done = Finished(
        solved=commits[Stage.SOLVE][0],
        rendered=commits[Stage.RENDER],
        assembled=commits[Stage.ASSEMBLE][0],
    )
    publish(farm.store, _spec(farm), done, Asker())


def _commits(farm: TinyFarm, stage: Stage) -> tuple[Commit, ...]:
    keys = farm.store.list_keys(JobKeys(job=_job(farm)).stage(stage))
    whole = FrameRange(start=0, stop=40)
    shards = [key.split("/")[3] for key in keys if key.endswith("commit.json")]
    found = (
        read_commit(farm.store, _job(farm), Shard(stage=stage, index=int(index), frames=whole))
        for index in shards
    )
    return tuple(commit for commit in found if commit is not None)


def _download(farm: TinyFarm) -> None:
    farm.client.fetch(_job(farm), farm.folder / "out")


def _train(farm: TinyFarm) -> None:
    permit_training(farm.store, "tiny", (FOOTAGE,), None, by="a trainer")


DOORS: dict[str, Callable[[TinyFarm], None]] = {
    "submit": _submit,
    "a shard": _render,
    "a running shard": _go_on,
    "assembly": _assemble,
    "publish": _publish,
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
    spec = _spec(farm)
    _with_terms(checkpoints=(checkpoint_of(spec.subject),))(farm)
    _publish(farm)
    files = tuple(dataclasses.replace(file, sha256="d" * 64) for file in spec.subject.files)
    retrained = dataclasses.replace(spec, subject=dataclasses.replace(spec.subject, files=files))
    with pytest.raises(RefusedError, match="does not cover the checkpoint"):
        _work(farm, _order(farm, retrained))


def test_a_hostile_clients_order_is_answered_with_a_refusal_and_touches_nothing(
    farm: TinyFarm,
) -> None:
    _forget(farm)
    order = _order(farm)
    keys = JobKeys(job=order.spec.job)
    farm.store.delete(keys.commit(SHARD))
    ending = build_worker("w0", farm.worker_config).run(order, lambda _: None)
    assert isinstance(ending, Failed)
    assert (ending.failure.cause, ending.failure.exit_code) == ("input", 9)
    assert farm.store.list_keys(keys.attempt(order.lease)) == [keys.log(order.lease)]


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", ".hidden", ""])
def test_an_order_cannot_name_a_file_outside_the_workers_folder(farm: TinyFarm, name: str) -> None:
    spec = _spec(farm)
    for hostile in (
        dataclasses.replace(spec, plate=dataclasses.replace(spec.plate, name=name)),
        dataclasses.replace(spec, subject=dataclasses.replace(spec.subject, name=name)),
    ):
        with pytest.raises(UsageError, match="no plain name"):
            _work(farm, _order(farm, hostile))
    honest = _order(farm)
    commit = Commit(
        lease=honest.lease, frame_count=1,
        files=(StoredFile(name=name, key="x", sha256="0" * 64, size_bytes=1),),
    )  # fmt: skip
    with pytest.raises(UsageError, match="no plain name"):
        _work(farm, dataclasses.replace(honest, inputs=(commit,)))
    worker = dataclasses.replace(honest.lease, worker=f"/{name}")
    with pytest.raises(UsageError, match="no plain name"):
        _work(farm, dataclasses.replace(honest, lease=worker))
    with pytest.raises(IntegrityError, match="plain name"):
        Scratch(farm.store, farm.folder / "scratch").file(commit.files[0], farm.folder)


def test_an_order_of_one_job_with_a_lease_of_another_is_refused(farm: TinyFarm) -> None:
    order = _order(farm)
    stranger = dataclasses.replace(order.lease, job="elsewhere")
    with pytest.raises(UsageError, match="has a lease of"):
        _work(farm, dataclasses.replace(order, lease=stranger))


def test_what_only_the_operator_can_mend_ends_a_job_and_not_the_farm(farm: TinyFarm) -> None:
    rights = Path(os.environ["BODYSWAP_RIGHTS"])
    sound = rights.read_bytes()
    rights.write_bytes(sound + b"\nseal: {chain: /nowhere/chain.pem, key: /nowhere/key.pem}\n")
    request = _request(farm)
    job = farm.client.submit(dataclasses.replace(request, shards=3))
    other = farm.client.submit(dataclasses.replace(request, shards=2))
    runtime = InlineRuntime(farm.worker_config)
    controller = Controller(store=farm.store, runtime=runtime)
    status = controller.run_until_final(job)
    assert status.state is JobState.FAILED and "/nowhere/" in status.message
    rights.write_bytes(sound)
    assert controller.run_until_final(other).state is JobState.PUBLISHED
    runtime.close()


def test_a_consent_revoked_in_the_middle_of_a_job_ends_it_without_a_shot(farm: TinyFarm) -> None:
    request = dataclasses.replace(_request(farm), frames="1001-1020", shards=4)
    job = farm.client.submit(request)

    def take_back(status: JobStatus) -> None:
        if status.shards_done == 2 and status.stage is Stage.RENDER:
            _revoked(farm)

    runtime = InlineRuntime(farm.worker_config)
    controller = Controller(store=farm.store, runtime=runtime, on_status=take_back)
    status = controller.run_until_final(job)
    runtime.close()
    assert (status.state, status.exit_code) == (JobState.FAILED, ConsentError.exit_code)
    assert "was revoked" in status.message and "she changed her mind" in status.message
    keys = JobKeys(job=job)
    assert farm.store.list_keys(keys.out) == farm.store.list_keys(keys.stage(Stage.RENDER)) == []
    kept = farm.store.list_keys(f"quarantine/{keys.stage(Stage.RENDER)}")
    assert sum(key.endswith("/commit.json") for key in kept) == 2
    last = read_verified(farm.store, operator_trust()).entries[-1].fact
    assert (last.event, last.subject, last.job) == (Event.QUARANTINED, "tiny", job)


def test_a_consent_that_ends_before_publishing_fails_the_job_and_not_the_farm(
    farm: TinyFarm,
) -> None:
    request = dataclasses.replace(_request(farm), frames="1001-1020", shards=1)
    job = farm.client.submit(request)

    class Revoking(LocalStore):
        """Somebody takes the consent back just as the controller hears of the assembly."""

        def get(self, key: str) -> bytes | None:
            data = super().get(key)
            if data is not None and key.startswith(JobKeys(job=job).stage(Stage.ASSEMBLE)):
                _revoked(farm)
            return data

    runtime = InlineRuntime(farm.worker_config)
    controller = Controller(store=Revoking(Path(farm.store.url)), runtime=runtime)
    status = controller.run_until_final(job)
    runtime.close()
    assert (status.state, status.exit_code) == (JobState.FAILED, ConsentError.exit_code)
    assert "was revoked" in status.message
    assert farm.store.list_keys(JobKeys(job=job).out) == []


def test_a_consent_that_ends_while_a_shot_is_released_leaves_nothing_of_it(farm: TinyFarm) -> None:
    job = farm.client.submit(dataclasses.replace(_request(farm), frames="1001-1020", shards=1))
    keys = JobKeys(job=job)

    class Revoking(LocalStore):
        """Somebody takes the consent back when the first deliverable has been copied."""

        def copy(self, key: str, to: str) -> None:
            super().copy(key, to)
            if to.startswith(keys.out) and len(self.list_keys(keys.out)) == 1:
                _revoked(farm)

    runtime = InlineRuntime(farm.worker_config)
    controller = Controller(
        store=Revoking(Path(farm.store.url)), runtime=runtime, requests_at_once=4
    )
    status = controller.run_until_final(job)
    runtime.close()
    assert (status.state, status.exit_code) == (JobState.FAILED, ConsentError.exit_code)
    assert farm.store.list_keys(keys.out) == farm.store.list_keys(keys.stage(Stage.RENDER)) == []
    assert farm.store.list_keys(f"quarantine/{keys.out}")


def _unmarked(farm: TinyFarm) -> JobRequest:
    return dataclasses.replace(_request(farm), settings=RenderSettings(watermark=False))


def test_frames_without_a_watermark_need_a_consent_that_says_so_at_every_door(
    farm: TinyFarm,
) -> None:
    with pytest.raises(RefusedError, match="without a watermark"):
        farm.client.submit(_unmarked(farm))
    spec = _spec(farm)
    bare = dataclasses.replace(spec, settings={**spec.settings, "watermark": False})
    for shard in (SHARD, Shard(stage=Stage.ASSEMBLE, index=0, frames=spec.frames)):
        with pytest.raises(RefusedError) as refused:
            _work(farm, _order(farm, bare, shard))
        assert refused.value.refusal is Refusal.UNMARKED
    for door in (
        lambda: publish(farm.store, bare, None, Asker()),  # type: ignore[arg-type]  # it does not come to them
        lambda: watched(farm.store, _order(farm, bare), lambda _: None, clock=_after_a_while())(1),
    ):
        with pytest.raises(RefusedError, match="without a watermark"):
            door()
    assert farm.client.manifest(spec.job).watermark.startswith(spec.picture_id[:10] + "@")
    _with_terms(unmarked=True)(farm)
    job = farm.client.submit(_unmarked(farm))
    assert farm.run_inline(job).state is JobState.PUBLISHED
    assert farm.client.manifest(job).watermark == ""


def _after_a_while() -> Callable[[], float]:
    now_s = iter((0.0, WATCH_EVERY_S, WATCH_EVERY_S))
    return lambda: next(now_s)


def test_shards_that_different_keys_marked_are_not_published(farm: TinyFarm) -> None:
    job = farm.client.submit(dataclasses.replace(_request(farm), frames="1001-1020", shards=4))
    rights = farm.folder / "operator/rights.yaml"
    (farm.folder / "other.key").write_bytes(b"another key that is long enough")

    def change_key(status: JobStatus) -> None:
        if status.stage is Stage.RENDER and status.shards_done == 2:
            trust = msgspec.yaml.decode(rights.read_bytes(), type=Trust)
            other = msgspec.structs.replace(trust, watermark_key=str(farm.folder / "other.key"))
            written = rights.with_suffix(".new")
            written.write_bytes(msgspec.yaml.encode(other))
            written.replace(rights)

    runtime = InlineRuntime(farm.worker_config)
    controller = Controller(store=farm.store, runtime=runtime, on_status=change_key)
    status = controller.run_until_final(job)
    runtime.close()
    assert status.state is JobState.FAILED
    assert "under different keys" in status.message
    assert farm.store.list_keys(JobKeys(job=job).out) == []
