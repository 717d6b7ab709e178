"""Garbage is what lost or was given up, and nothing else; it is told before it is removed."""

import json
import os
import time
import uuid
from pathlib import Path

import boto3
import pytest
from command_line import run_command
from tiny_farm import TinyFarm

from bodyswap.timing import FrameRange
from cluster.farm.garbage import LOST_ATTEMPT, UNFINISHED_UPLOAD, find_garbage, remove_garbage
from cluster.jobs.commit import Commit, store_file
from cluster.jobs.job import JobState, Stage
from cluster.jobs.keys import JobKeys
from cluster.jobs.lease import Lease
from cluster.jobs.plan import Shard
from cluster.stores.opening import open_store
from cluster.stores.record import from_json
from cluster.stores.s3 import split_store_url
from cluster.stores.store import Store


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "local":
        return open_store(str(tmp_path / "store"))
    return open_store(f"{request.getfixturevalue('s3_server')}/{uuid.uuid4().hex}/store")


def _late_loser(store: Store, job: str, folder: Path) -> str:
    """An attempt's file that came after another attempt had won."""
    shard_key = next(key for key in store.list_keys(f"jobs/{job}/render/") if "commit" in key)
    commit = from_json(store.get(shard_key) or b"", Commit, what="commit")
    lease = Lease(job=job, shard=commit.lease.shard, epoch=7, worker="late")
    (folder / "segment.mp4").write_bytes(b"lost")
    return store_file(store, lease, folder / "segment.mp4").key


def test_only_lost_attempts_go_and_the_shot_stays(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    farm = TinyFarm(folder=tmp_path, store=store)
    job = farm.client.submit(farm.request())
    assert farm.run_inline(job).state is JobState.PUBLISHED
    assert find_garbage(store, older_than_s=3600, now_s=time.time()) == []
    lost = _late_loser(store, job, tmp_path)
    shard = Shard(stage=Stage.RENDER, index=0, frames=FrameRange(start=0, stop=4))
    running = Lease(job="other", shard=shard, epoch=1, worker="w")
    kept = store_file(store, running, tmp_path / "segment.mp4").key
    before = set(store.list_keys(""))
    code, said, _ = run_command(capsys, "gc", "--store", store.url)
    assert code == 0 and f"{LOST_ATTEMPT}  {lost}" in said and "kept, use --remove" in said
    assert set(store.list_keys("")) == before
    code, said, _ = run_command(capsys, "gc", "--store", store.url, "--remove", "--json")
    told = json.loads(said)
    assert [each["key"] for each in told["found"]] == [lost] and told["removed"]
    assert set(store.list_keys("")) == before - {lost}
    assert store.get(kept) == b"lost" and store.get(JobKeys(job=job).manifest)
    farm.fetched_shot(job)


def test_uploads_begun_long_ago_are_given_up_and_fresh_ones_are_not(store: Store) -> None:
    store.put("jobs/a/job.yaml", b"x")
    if store.url.startswith("s3://"):
        bucket, prefix = split_store_url(store.url)
        boto3.client("s3").create_multipart_upload(Bucket=bucket, Key=f"{prefix}jobs/a/big")
        boto3.client("s3").create_multipart_upload(Bucket=bucket, Key=f"not-{prefix}jobs/a/big")
    else:
        stale = Path(store.url) / ".incoming" / ".half"
        stale.write_bytes(b"x")
        os.utime(stale, (time.time() - 3600,) * 2)
    old_now = time.time() + 7200
    assert find_garbage(store, older_than_s=24 * 3600, now_s=time.time()) == []
    (found,) = find_garbage(store, older_than_s=3600, now_s=old_now)
    assert found.kind == UNFINISHED_UPLOAD
    remove_garbage(store, [found])
    remove_garbage(store, [found])
    assert find_garbage(store, older_than_s=3600, now_s=old_now) == []
