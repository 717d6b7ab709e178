"""The contract against a real S3 server: SeaweedFS, on this machine's loopback only."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from real_servers import BUCKET
from store_contract import StoreContract, random_bytes
from tiny_farm import TinyFarm
from tiny_pipeline import expected_shot

from bodyswap.errors import StoreError, UsageError
from bodyswap.timing import FrameRange
from cluster.jobs.job import JobState
from cluster.stores.compose import Piece
from cluster.stores.opening import open_store
from cluster.stores.store import Store


@pytest.fixture
def store(s3_server: str) -> Store:
    """A store of its own for each test, by its prefix."""
    return open_store(f"{s3_server}/{uuid.uuid4().hex}/store")


class TestS3Store(StoreContract):
    def test_more_keys_than_one_page_are_all_listed(self, store: Store) -> None:
        keys = [f"many/{number:04d}" for number in range(1050)]
        with ThreadPoolExecutor(8) as writers:
            list(writers.map(lambda key: store.put(key, b""), keys))
        assert store.list_keys("many/") == keys

    def test_stores_of_one_bucket_do_not_see_each_other(self, store: Store, s3_server: str) -> None:
        store.put("mine", b"x")
        assert open_store(f"{s3_server}/{uuid.uuid4().hex}").list_keys("") == []

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


def test_objects_are_encrypted_and_tagged_as_the_environment_says(
    s3_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BODYSWAP_S3_SSE", "AES256")
    monkeypatch.setenv("BODYSWAP_S3_TAGS", "production=dune&cost=42")
    prefix = uuid.uuid4().hex
    store, client = open_store(f"{s3_server}/{prefix}"), boto3.client("s3")
    (tmp_path / "file").write_bytes(random_bytes(9 << 20))
    store.put("put", b"x")
    assert store.put_if_absent("once", b"x")
    store.put_file("file", tmp_path / "file")
    store.copy("file", "copied")
    store.compose("composed", [b"head", Piece(key="file", start=0, stop=9 << 20)])
    for key in ("put", "once", "file", "copied", "composed"):
        where = {"Bucket": BUCKET, "Key": f"{prefix}/{key}"}
        assert client.head_object(**where)["ServerSideEncryption"] == "AES256", key
        tags = {each["Key"]: each["Value"] for each in client.get_object_tagging(**where)["TagSet"]}
        assert tags == {"production": "dune", "cost": "42"}, key
    assert store.get("composed") == b"head" + (tmp_path / "file").read_bytes()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("BODYSWAP_S3_SSE", "rot13", "unknown; one of AES256"),
        ("BODYSWAP_S3_KMS_KEY", "alias/x", "needs BODYSWAP_S3_SSE=aws:kms"),
        ("BODYSWAP_S3_TAGS", "a=b&c", "are no tags"),
    ],
)
def test_settings_that_s3_would_refuse_are_refused_at_once(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=message):
        open_store("s3://bucket/prefix")
