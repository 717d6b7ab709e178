"""Orders that nobody who is honest gives: what a worker is asked behind the farm's back."""

import dataclasses
from pathlib import Path

import pytest
from consenting_farm import SHARD, forget, order_of, publish_one, spec_of, to_spoil, work
from tiny_farm import TinyFarm

from bodyswap.errors import IntegrityError, UsageError
from cluster.jobs.commit import Commit, StoredFile
from cluster.jobs.keys import JobKeys
from cluster.jobs.order import Failed
from cluster.workers.scratch import Scratch
from cluster.workers.worker import build_worker


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> TinyFarm:
    return publish_one(tmp_path_factory.mktemp("farm"))


@pytest.fixture
def farm(published: TinyFarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyFarm:
    return to_spoil(published, tmp_path, monkeypatch)


def test_a_hostile_clients_order_is_answered_with_a_refusal_and_touches_nothing(
    farm: TinyFarm,
) -> None:
    forget(farm)
    order = order_of(farm)
    keys = JobKeys(job=order.spec.job)
    farm.store.delete(keys.commit(SHARD))
    ending = build_worker("w0", farm.worker_config).run(order, lambda _: None)
    assert isinstance(ending, Failed)
    assert (ending.failure.cause, ending.failure.exit_code) == ("input", 9)
    assert farm.store.list_keys(keys.attempt(order.lease)) == [keys.log(order.lease)]


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", ".hidden", ""])
def test_an_order_cannot_name_a_file_outside_the_workers_folder(farm: TinyFarm, name: str) -> None:
    spec = spec_of(farm)
    for hostile in (
        dataclasses.replace(spec, plate=dataclasses.replace(spec.plate, name=name)),
        dataclasses.replace(spec, subject=dataclasses.replace(spec.subject, name=name)),
    ):
        with pytest.raises(UsageError, match="no plain name"):
            work(farm, order_of(farm, hostile))
    honest = order_of(farm)
    commit = Commit(
        lease=honest.lease, frame_count=1,
        files=(StoredFile(name=name, key="x", sha256="0" * 64, size_bytes=1),),
    )  # fmt: skip
    with pytest.raises(UsageError, match="no plain name"):
        work(farm, dataclasses.replace(honest, inputs=(commit,)))
    worker = dataclasses.replace(honest.lease, worker=f"/{name}")
    with pytest.raises(UsageError, match="no plain name"):
        work(farm, dataclasses.replace(honest, lease=worker))
    with pytest.raises(IntegrityError, match="plain name"):
        Scratch(farm.store, farm.folder / "scratch").file(commit.files[0], farm.folder)


def test_an_order_of_one_job_with_a_lease_of_another_is_refused(farm: TinyFarm) -> None:
    order = order_of(farm)
    stranger = dataclasses.replace(order.lease, job="elsewhere")
    with pytest.raises(UsageError, match="has a lease of"):
        work(farm, dataclasses.replace(order, lease=stranger))
