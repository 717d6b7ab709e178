"""A tiny farm whose one job is a real person's, rendered on a consent: for a test to spoil.

It does not know what is refused; `test_doors` has the table.
"""

import dataclasses
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tiny_farm import TinyFarm, make_farm

from bodyswap.rights.consent import Terms
from bodyswap.rights.revocations import Revoked
from bodyswap.rights.trust import operator_trust
from bodyswap.timing import FrameRange
from cluster.asking.submit import JobRequest
from cluster.delivering.publish import Finished, publish
from cluster.jobs.commit import Commit, grant, read_commit
from cluster.jobs.job import JobSpec, JobState, Stage
from cluster.jobs.keys import CONSENTS, JobKeys
from cluster.jobs.observe import read_spec
from cluster.jobs.order import Order
from cluster.jobs.plan import Shard
from cluster.rights.consents import consents_of, put_consent, revoke
from cluster.rights.doors import WATCH_EVERY_S
from cluster.stores.asker import Asker
from cluster.workers.worker import build_worker
from tests.rights.papers import NOW_S, REGISTRY, TERMS, TRUST, token

SHARD = Shard(stage=Stage.RENDER, index=0, frames=FrameRange(start=0, stop=10))


def publish_one(folder: Path) -> TinyFarm:
    """One job of a real person's, rendered to its end on a consent that covers it."""
    farm = make_farm(folder)
    with pytest.MonkeyPatch.context() as environment:
        trust_the_tests_issuers(farm.folder, environment)
        agree(farm, terms_now())
        list_revoked(farm)
        job = farm.client.submit(request_of(farm))
        assert farm.run_inline(job).state is JobState.PUBLISHED
    return farm


def to_spoil(published: TinyFarm, folder: Path, environment: pytest.MonkeyPatch) -> TinyFarm:
    """The same farm as it stands after that job, in a folder of its own."""
    shutil.copytree(published.folder, folder, dirs_exist_ok=True)
    trust_the_tests_issuers(folder, environment)
    return make_farm(folder)


def trust_the_tests_issuers(folder: Path, environment: pytest.MonkeyPatch) -> None:
    anyone = tuple(msgspec.structs.replace(one, subjects=("*",)) for one in TRUST.issuers)
    trust = msgspec.structs.replace(TRUST, issuers=anyone)
    path = folder / "operator/rights.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(msgspec.yaml.encode(trust))
    environment.setenv("BODYSWAP_RIGHTS", str(path))


def request_of(farm: TinyFarm) -> JobRequest:
    request = dataclasses.replace(farm.request(), project="nightfall")
    return dataclasses.replace(
        request, plate=request.plate.rename(request.plate.with_name("sc010_0040.txt"))
    )


def terms_now(**changes: object) -> Terms:
    """Mara's terms for the tiny subject, about now instead of the tests' fixed instant."""
    now = int(time.time()) - NOW_S
    shifted = {
        name: getattr(TERMS, name) + now
        for name in ("issued", "not_before", "expires", "delete_by")
    }
    plain = {"subject": "tiny", "checkpoints": ("*",), **shifted, **changes}
    return msgspec.structs.replace(TERMS, **plain)


def agree(farm: TinyFarm, terms: Terms) -> None:
    put_consent(farm.store, token(terms), source="it")


def list_revoked(farm: TinyFarm, *revoked: Revoked, life_s: int = 3600) -> None:
    revoke(farm.store, revoked, REGISTRY, operator_trust(), now_s=time.time(), life_s=life_s)


def forget(farm: TinyFarm) -> bytes:
    """Take the consent out of the store, and give it back."""
    ((_, held),) = consents_of(farm.store, "tiny")
    for key in farm.store.list_keys(CONSENTS):
        farm.store.delete(key)
    return held


def with_terms(**changes: object) -> Callable[[TinyFarm], None]:
    def spoil(farm: TinyFarm) -> None:
        forget(farm)
        agree(farm, terms_now(**changes))

    return spoil


def withdraw(farm: TinyFarm) -> None:
    (key,) = farm.store.list_keys(CONSENTS)
    consent = Path(key).stem
    list_revoked(farm, Revoked(consent=consent, at=int(time.time()), reason="she changed her mind"))


def job_of(farm: TinyFarm) -> str:
    (job,) = [status.job for status in farm.client.list_jobs()]
    return job


def spec_of(farm: TinyFarm) -> JobSpec:
    spec = read_spec(farm.store, job_of(farm))
    assert spec is not None
    return spec


def order_of(farm: TinyFarm, spec: JobSpec | None = None, shard: Shard = SHARD) -> Order:
    """What a client writes who knows the farm's inside and asks nobody."""
    spec = spec or spec_of(farm)
    lease = grant(farm.store, job=spec.job, shard=shard, epoch=50, worker="w0")
    return Order(spec=spec, lease=lease, inputs=())


def work(farm: TinyFarm, order: Order) -> None:
    farm.store.delete(JobKeys(job=order.lease.job).commit(order.lease.shard))
    build_worker("w0", farm.worker_config).execute(order, lambda _: None)


def publish_again(farm: TinyFarm) -> None:
    commits = {stage: _commits(farm, stage) for stage in Stage}
    done = Finished(
        solved=commits[Stage.SOLVE][0],
        rendered=commits[Stage.RENDER],
        assembled=commits[Stage.ASSEMBLE][0],
    )
    publish(farm.store, spec_of(farm), done, Asker())


def _commits(farm: TinyFarm, stage: Stage) -> tuple[Commit, ...]:
    keys = farm.store.list_keys(JobKeys(job=job_of(farm)).stage(stage))
    whole = FrameRange(start=0, stop=40)
    shards = [key.split("/")[3] for key in keys if key.endswith("commit.json")]
    found = (
        read_commit(farm.store, job_of(farm), Shard(stage=stage, index=int(index), frames=whole))
        for index in shards
    )
    return tuple(commit for commit in found if commit is not None)


def after_a_while() -> Callable[[], float]:
    now_s = iter((0.0, WATCH_EVERY_S, WATCH_EVERY_S))
    return lambda: next(now_s)
