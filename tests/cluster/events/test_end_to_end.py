"""A plate is put into a bucket, and nothing else is done: Ray renders, the shot is in a bucket."""

import json
import logging
import os
import threading
import time
import uuid
from pathlib import Path
from urllib.parse import quote_plus

import boto3
import pytest
import ray
from command_line import run_command
from real_servers import BUCKET, SECRET
from tiny_farm import TinyFarm
from tiny_pipeline import expected_shot, read_shot, write_plate, write_subject

from bodyswap.timing import FrameRange
from cluster.events.bucket import Buckets
from cluster.events.inbox import Inbox
from cluster.events.listener import Listener
from cluster.events.queue import Queue
from cluster.events.rules import ListenConfig, Rule
from cluster.events.serving import serve
from cluster.farm.controller import Controller
from cluster.stores.opening import open_store
from cluster.workers.on_ray import RayRuntime
from cluster.workers.ray_nodes import start_ray
from cluster.workers.settings import FarmSettings

PATIENCE_S = 500
SHOTS = ("a", "b")


@pytest.mark.timeout(600)
def test_from_a_plate_in_a_bucket_to_a_shot_in_a_bucket_by_ray(
    s3_server: str, sqs_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """Two listeners, a queue that tells everything many times, and one plate it never tells of."""
    caplog.set_level(logging.INFO)
    # Ray's processes inherit it, and so find the tiny pipeline.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]), prepend=os.pathsep)
    prefix = uuid.uuid4().hex
    farm = TinyFarm(folder=tmp_path, store=open_store(f"{s3_server}/{prefix}/store"))
    queue = boto3.client("sqs").create_queue(QueueName=f"{prefix}-plates")["QueueUrl"]
    rule = Rule(
        name="all", bucket=BUCKET, prefix=f"{prefix}/in/",
        subject=str(write_subject(tmp_path / "subject")), settings={"mode": "exact"},
        deliver_to=f"s3://{BUCKET}/{prefix}/shots/{{stem}}/",
    )  # fmt: skip
    is_over = threading.Event()
    start_ray(None, cpus=2)
    runtime = RayRuntime(farm.worker_config, FarmSettings(workers=2))
    threads = [
        threading.Thread(target=_listen, args=(farm, rule, queue, is_over)) for _ in range(2)
    ]
    controller = Controller(store=farm.store, runtime=runtime)
    threads.append(threading.Thread(target=controller.serve, args=(is_over.is_set,)))
    try:
        for thread in threads:
            thread.start()
        plates = {shot: _drop(prefix, shot, tmp_path, 20 + len(shot)) for shot in SHOTS}
        _tell(queue, plates["a"], times=25)
        _wait_for(prefix)
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
        runtime.close()
        ray.shutdown()
    for shot in SHOTS:
        path = tmp_path / f"{shot}.txt"
        key = f"{prefix}/shots/{shot}/shot.mp4"
        boto3.client("s3").download_file(BUCKET, key, str(tmp_path / "out"))
        whole = FrameRange(start=0, stop=len(read_shot(tmp_path / "out")))
        assert read_shot(tmp_path / "out") == expected_shot(path, whole)
    assert len(farm.client.list_jobs()) == len(SHOTS)
    _check_nothing_secret(farm, caplog.text)


def _listen(farm: TinyFarm, rule: Rule, queue: str, is_over: threading.Event) -> None:
    listener = Listener(ListenConfig(rules=[rule]), farm.client, Inbox(farm.store), Buckets())
    serve(
        listener, Queue(queue), sweep_every_s=2, wait_s=1, is_over=is_over.is_set,
        on_round=lambda counts: None, on_trouble=lambda error: None,
    )  # fmt: skip


def _drop(prefix: str, shot: str, folder: Path, frames: int) -> dict[str, object]:
    data = write_plate(folder / f"{shot}.txt", frames + SHOTS.index(shot)).read_bytes()
    key = f"{prefix}/in/{shot}.mov"
    etag = boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=data)["ETag"]
    item = {"key": quote_plus(key), "eTag": etag.strip('"')}
    told = {"bucket": {"name": BUCKET}, "object": item}
    return {"Records": [{"eventName": "ObjectCreated:Put", "s3": told}]}


def _tell(queue: str, notice: dict[str, object], times: int) -> None:
    for _ in range(times):
        boto3.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(notice))


def _wait_for(prefix: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        found = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/shots/")
        done = [each["Key"] for each in found.get("Contents", [])]
        if sum(key.endswith("/manifest.json") for key in done) == len(SHOTS):
            return
        time.sleep(0.2)
    pytest.fail(f"only {done} came in {PATIENCE_S} s")


def _check_nothing_secret(farm: TinyFarm, logged: str) -> None:
    """Neither logs here, nor anything that the farm wrote, holds what opens the store."""
    written = [farm.store.get(key) or b"" for key in farm.store.list_keys("")]
    assert SECRET not in logged
    assert not any(SECRET.encode() in data for data in written)


def test_a_store_error_tells_no_secret(
    s3_server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, err = run_command(capsys, "list", "--store", "s3://no-such-bucket/store")
    assert code == 7 and "cannot list" in err
    assert SECRET not in said + err
