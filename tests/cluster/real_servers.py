"""Starts the servers that tests speak to: SeaweedFS for S3, moto for SQS; on loopback only."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import boto3
import pytest

BUCKET = "farm"
KEY, SECRET = "tests-only", "tests-only-too"
UP_WITHIN_S = 60


@contextmanager
def run_s3(folder: Path) -> Iterator[str]:
    """The URL of a bucket on a SeaweedFS that runs while the block does."""
    ports = free_ports(4)
    environment = {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{ports[3]}"}
    with _running(_weed(folder, ports), folder / "weed.log", environment, _make_bucket):
        yield f"s3://{BUCKET}"
    shutil.rmtree(folder, ignore_errors=True)


class S3Server:
    """A SeaweedFS of a test's own, that it may kill and start again on the same data and port."""

    url = f"s3://{BUCKET}"

    def __init__(self, folder: Path) -> None:
        self._ports = free_ports(4)
        self._log = folder / "weed.log"
        self._command = _weed(folder, self._ports)
        self.endpoint = f"http://127.0.0.1:{self._ports[3]}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as target:
            self._process = subprocess.Popen(self._command, stdout=target, stderr=target)

    def kill(self) -> None:
        """As a power cut does, between any two instructions."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def wait_until_up(self) -> None:
        assert self._process is not None
        _wait_until_up(self._process, _make_bucket, self._log)


@contextmanager
def run_s3_server(folder: Path) -> Iterator[S3Server]:
    """A running server; the AWS environment names it while the block runs."""
    server = S3Server(folder)
    server.start()
    try:
        with pytest.MonkeyPatch.context() as changed:
            for name, value in _credentials().items():
                changed.setenv(name, value)
            changed.setenv("AWS_ENDPOINT_URL_S3", server.endpoint)
            server.wait_until_up()
            yield server
    finally:
        server.kill()


@contextmanager
def run_sqs(folder: Path) -> Iterator[str]:
    """The endpoint of a moto server that runs while the block does."""
    port = free_ports(1)[0]
    endpoint = f"http://127.0.0.1:{port}"
    command = [_program("moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    environment = {"AWS_ENDPOINT_URL_SQS": endpoint, "AWS_ENDPOINT_URL_SNS": endpoint}
    with _running(
        command, folder / "sqs.log", environment, lambda: boto3.client("sqs").list_queues()
    ):
        yield endpoint


@contextmanager
def run_aws(folder: Path) -> Iterator[str]:
    """The endpoint of a moto server for S3, SQS, SNS and IAM, which can enforce IAM's policies."""
    port = free_ports(1)[0]
    endpoint = f"http://127.0.0.1:{port}"
    command = [_program("moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    environment = {f"AWS_ENDPOINT_URL_{name}": endpoint for name in ("S3", "SQS", "SNS", "IAM")}
    never = {"INITIAL_NO_AUTH_ACTION_COUNT": "1000000000"}
    with _running(
        command, folder / "aws.log", environment, lambda: boto3.client("iam").list_users(), never
    ):
        yield endpoint


def free_ports(count: int) -> list[int]:
    # SeaweedFS takes each port + 10,000 too, for its own calls.
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3 * count)]
    ports = [held.getsockname()[1] for held in sockets]
    for held in sockets:
        held.close()
    low = [port for port in ports if port < 55_000]
    assert len(low) >= count
    return low[:count]


@contextmanager
def _running(
    command: list[str],
    log: Path,
    environment: dict[str, str],
    check: Callable[[], object],
    own: Mapping[str, str] | None = None,
) -> Iterator[None]:
    with log.open("wb") as target:
        process = subprocess.Popen(
            command,
            stdout=target,
            stderr=target,
            env={**os.environ, "WEED_S3_SSE_KEY": SECRET, **(own or {})},
        )
    try:
        with pytest.MonkeyPatch.context() as changed:
            for name, value in (_credentials() | environment).items():
                changed.setenv(name, value)
            _wait_until_up(process, check, log)
            yield
    finally:
        process.kill()
        process.wait()


def _weed(folder: Path, ports: list[int]) -> list[str]:
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    master, volume, filer, s3 = ports
    return [
        _program("weed"), "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}",
        "-s3", f"-s3.port={s3}", f"-s3.config={folder}/s3.json", "-volume.max=40",
        "-s3.port.iceberg=0", "-s3.port.lance=0",  # fixed ports, which a second server would miss
    ]  # fmt: skip


def _program(name: str) -> str:
    path = Path(sys.executable).parent / name
    if not path.exists():
        pytest.fail(f"the program {name} is missing; run `make setup`")
    return str(path)


def _credentials() -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    }


def _make_bucket() -> None:
    client = boto3.client("s3")
    with suppress(client.exceptions.BucketAlreadyExists, client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key="up", Body=b"x")


def _wait_until_up(
    process: "subprocess.Popen[bytes]", check: Callable[[], object], log: Path
) -> None:
    deadline_s = time.monotonic() + UP_WITHIN_S
    while True:
        try:
            check()
        except Exception as error:  # noqa: BLE001 - any answer but success means: not up yet
            told = log.read_text()[-2000:]
            assert process.poll() is None and time.monotonic() < deadline_s, f"{error}\n{told}"
            time.sleep(0.3)
        else:
            return
