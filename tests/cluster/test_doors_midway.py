"""What changes while a job is under way: a consent taken back, settings broken, keys exchanged."""

import dataclasses
import os
from pathlib import Path

import msgspec
import pytest
from consenting_farm import publish_one, request_of, to_spoil, withdraw
from tiny_farm import TinyFarm

from bodyswap.errors import ConsentError
from bodyswap.rights.audit import Event
from bodyswap.rights.trust import Trust, operator_trust
from cluster.farm.controller import Controller
from cluster.jobs.job import JobState, Stage
from cluster.jobs.keys import JobKeys
from cluster.jobs.progress import JobStatus
from cluster.rights.audit_log import read_verified
from cluster.stores.local import LocalStore
from cluster.workers.inline import InlineRuntime


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> TinyFarm:
    return publish_one(tmp_path_factory.mktemp("farm"))


@pytest.fixture
def farm(published: TinyFarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyFarm:
    return to_spoil(published, tmp_path, monkeypatch)


def test_what_only_the_operator_can_mend_ends_a_job_and_not_the_farm(farm: TinyFarm) -> None:
    rights = Path(os.environ["BODYSWAP_RIGHTS"])
    sound = rights.read_bytes()
    rights.write_bytes(sound + b"\nseal: {chain: /nowhere/chain.pem, key: /nowhere/key.pem}\n")
    request = request_of(farm)
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
    request = dataclasses.replace(request_of(farm), frames="1001-1020", shards=4)
    job = farm.client.submit(request)

    def take_back(status: JobStatus) -> None:
        if status.shards_done == 2 and status.stage is Stage.RENDER:
            withdraw(farm)

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
    request = dataclasses.replace(request_of(farm), frames="1001-1020", shards=1)
    job = farm.client.submit(request)

    class Revoking(LocalStore):
        """Somebody takes the consent back just as the controller hears of the assembly."""

        def get(self, key: str) -> bytes | None:
            data = super().get(key)
            if data is not None and key.startswith(JobKeys(job=job).stage(Stage.ASSEMBLE)):
                withdraw(farm)
            return data

    runtime = InlineRuntime(farm.worker_config)
    controller = Controller(store=Revoking(Path(farm.store.url)), runtime=runtime)
    status = controller.run_until_final(job)
    runtime.close()
    assert (status.state, status.exit_code) == (JobState.FAILED, ConsentError.exit_code)
    assert "was revoked" in status.message
    assert farm.store.list_keys(JobKeys(job=job).out) == []


def test_a_consent_that_ends_while_a_shot_is_released_leaves_nothing_of_it(farm: TinyFarm) -> None:
    job = farm.client.submit(dataclasses.replace(request_of(farm), frames="1001-1020", shards=1))
    keys = JobKeys(job=job)

    class Revoking(LocalStore):
        """Somebody takes the consent back when the first deliverable has been copied."""

        def copy(self, key: str, to: str) -> None:
            super().copy(key, to)
            if to.startswith(keys.out) and len(self.list_keys(keys.out)) == 1:
                withdraw(farm)

    runtime = InlineRuntime(farm.worker_config)
    controller = Controller(
        store=Revoking(Path(farm.store.url)), runtime=runtime, requests_at_once=4
    )
    status = controller.run_until_final(job)
    runtime.close()
    assert (status.state, status.exit_code) == (JobState.FAILED, ConsentError.exit_code)
    assert farm.store.list_keys(keys.out) == farm.store.list_keys(keys.stage(Stage.RENDER)) == []
    assert farm.store.list_keys(f"quarantine/{keys.out}")


def test_shards_that_different_keys_marked_are_not_published(farm: TinyFarm) -> None:
    job = farm.client.submit(dataclasses.replace(request_of(farm), frames="1001-1020", shards=4))
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
