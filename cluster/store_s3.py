"""A store in an S3 bucket, or in any server that speaks S3 with conditional puts.

It does not know what is stored. Endpoint, region and credentials come from the standard AWS
environment and configuration files (AWS_ENDPOINT_URL_S3 names a server that is not AWS).
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bodyswap.errors import StoreError, UsageError
from cluster.store import ObjectFacts, check_key, check_prefix, missing

_CONFLICT_TRIES = 8
_CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 5},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


def open_s3_store(url: str) -> "S3Store":
    """The store at s3://bucket/prefix. Raises UsageError where `url` names no bucket."""
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    if not bucket:
        raise UsageError(f"store '{url}' names no bucket; write s3://bucket/prefix")
    return S3Store(bucket=bucket, prefix=prefix.strip("/"))


class S3Store:
    """The objects of `bucket` whose keys begin with `prefix`/."""

    def __init__(self, *, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{check_key(prefix)}/" if prefix else ""
        self._client = boto3.client("s3", config=_CONFIG)

    @property
    def url(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def get(self, key: str) -> bytes | None:
        with _mapped_errors("read", key):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._key(key))
            except ClientError as error:
                if _status(error) == 404:
                    return None
                raise
            data: bytes = answer["Body"].read()
        return data

    def put(self, key: str, data: bytes) -> None:
        with _mapped_errors("write", key):
            self._client.put_object(Bucket=self._bucket, Key=self._key(key), Body=data)

    def put_if_absent(self, key: str, data: bytes) -> bool:
        name = self._key(key)
        with _mapped_errors("write", key):
            for attempt in range(_CONFLICT_TRIES):
                try:
                    self._client.put_object(
                        Bucket=self._bucket, Key=name, Body=data, IfNoneMatch="*"
                    )
                except ClientError as error:
                    if _status(error) == 412:
                        return False
                    if _status(error) != 409:
                        raise
                    # Another conditional put of this key is under way; it may yet fail.
                    time.sleep(0.05 * 2**attempt)
                else:
                    return True
        raise StoreError(f"cannot write '{key}': {_CONFLICT_TRIES} conflicts in a row; try again")

    def list_keys(self, prefix: str) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2")
        keys: list[str] = []
        with _mapped_errors("list", prefix):
            wanted = self._prefix + check_prefix(prefix)
            for page in pages.paginate(Bucket=self._bucket, Prefix=wanted):
                keys += [item["Key"] for item in page.get("Contents", [])]
        return sorted(key.removeprefix(self._prefix) for key in keys)

    def head(self, key: str) -> ObjectFacts | None:
        with _mapped_errors("look at", key):
            try:
                answer = self._client.head_object(Bucket=self._bucket, Key=self._key(key))
            except ClientError as error:
                if _status(error) == 404:
                    return None
                raise
        return ObjectFacts(key=key, size_bytes=int(answer["ContentLength"]))

    def delete(self, key: str) -> None:
        with _mapped_errors("delete", key):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(key))

    def copy(self, key: str, to: str) -> None:
        source = {"Bucket": self._bucket, "Key": self._key(key)}
        if self.head(key) is None:
            raise missing(key, self.url)
        with _mapped_errors("copy", key):
            self._client.copy(source, self._bucket, self._key(to))

    def put_file(self, key: str, path: Path) -> None:
        with _mapped_errors("write", key):
            self._client.upload_file(str(path), self._bucket, self._key(key))

    def fetch_file(self, key: str, path: Path) -> None:
        if self.head(key) is None:
            raise missing(key, self.url)
        with _mapped_errors("fetch", key):
            path.parent.mkdir(parents=True, exist_ok=True)
            # boto3 writes a temporary file beside it and renames.
            self._client.download_file(self._bucket, self._key(key), str(path))

    def _key(self, key: str) -> str:
        return self._prefix + check_key(key)


@contextmanager
def _mapped_errors(verb: str, key: str) -> Iterator[None]:
    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError, OSError) as error:
        raise StoreError(f"cannot {verb} '{key}': {error}") from error


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
