"""Objects in anybody's S3 bucket: plates are fetched from there, and shots delivered to there.

It does not know jobs. Unlike the store, it takes keys as others named them. Endpoint, region and
credentials come from the standard AWS environment and configuration files.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

from botocore.exceptions import ClientError

from bodyswap.errors import StoreError
from cluster.events.frames import ListedObject
from cluster.events.notification import PlacedObject
from cluster.stores.s3_client import mapped_errors, read_body, s3_client, status_of

_SHA256 = "sha256"
_LARGEST_PUT_BYTES = 5 * 1000**3
"""S3's limit is 5 GiB."""
_CONFLICT_TRIES = 8


class _TakenError(Exception):
    """Somebody else put an object there first, or is about to."""


class Buckets:
    """Every bucket that the credentials reach. Each method raises StoreError where S3 fails."""

    def __init__(self) -> None:
        self._client = s3_client()

    def size_of(self, placed: PlacedObject) -> int | None:
        """The object's bytes, or None where this version of it is there no more."""
        facts = self._facts(placed.bucket, placed.key)
        return facts.size_bytes if facts is not None and facts.etag == placed.etag else None

    def fetch(self, placed: PlacedObject, path: Path) -> bool:
        """Write the object to `path`; False where another version took its place meanwhile."""
        with mapped_errors("fetch", str(placed)):
            self._client.download_file(placed.bucket, placed.key, str(path))
        return self.size_of(placed) is not None

    def read_small(self, bucket: str, key: str, most_bytes: int) -> bytes | None:
        """The object's first bytes, one more than allowed where it is larger; None without it."""
        with mapped_errors("read", f"s3://{bucket}/{key}"):
            try:
                return read_body(
                    lambda: self._client.get_object(
                        Bucket=bucket, Key=key, Range=f"bytes=0-{most_bytes}"
                    )
                )
            except ClientError as error:
                if status_of(error) == 404:
                    return None
                if status_of(error) == 416:
                    return b""
                raise

    def listed_under(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """The objects whose keys begin with `prefix`, as they are now."""
        pages = self._client.get_paginator("list_objects_v2")
        with mapped_errors("list", f"s3://{bucket}/{prefix}"):
            for page in pages.paginate(Bucket=bucket, Prefix=prefix):
                for item in page.get("Contents", []):
                    etag = str(item["ETag"]).strip('"')
                    yield ListedObject(
                        placed=PlacedObject(bucket=bucket, key=item["Key"], etag=etag),
                        size_bytes=int(item["Size"]),
                        modified_s=item["LastModified"].timestamp(),
                    )

    def now_s(self, bucket: str) -> float:
        """Seconds since 1970 by the clock that dates the bucket's objects."""
        with mapped_errors("ask the time of", f"s3://{bucket}"):
            answer = self._client.list_objects_v2(Bucket=bucket, MaxKeys=1)
            told = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
            return parsedate_to_datetime(told).timestamp() if told else time.time()

    def deliver(self, path: Path, bucket: str, key: str, *, sha256: str) -> bool:
        """Put a file there, unless it lies there already; False where another file does.

        Of several who deliver there at once one wins, and the others find what it put there.
        """
        for attempt in range(_CONFLICT_TRIES):
            facts = self._facts(bucket, key)
            if facts is not None:
                return facts.sha256 == sha256
            try:
                self._put_new(path, bucket, key, sha256)
                return True
            except _TakenError:
                time.sleep(0.05 * 2**attempt)  # whoever is putting it there may yet fail
        raise StoreError(
            f"cannot deliver s3://{bucket}/{key}: {_CONFLICT_TRIES} conflicts in a row; try again"
        )

    def _put_new(self, path: Path, bucket: str, key: str, sha256: str) -> None:
        """Raises _TakenError where the key is taken, or being taken, by another.

        What is too large for one put goes in parts, and has only been looked for before: not every
        server lets one alone of two such uploads win.
        """
        told = {"Metadata": {_SHA256: sha256}}
        with mapped_errors("deliver", f"s3://{bucket}/{key}"):
            try:
                if path.stat().st_size <= _LARGEST_PUT_BYTES:
                    with path.open("rb") as body:
                        self._client.put_object(
                            Bucket=bucket, Key=key, Body=body, IfNoneMatch="*", **told
                        )
                else:
                    self._client.upload_file(str(path), bucket, key, ExtraArgs=told)
            except ClientError as error:
                if status_of(error) not in (409, 412):
                    raise
                raise _TakenError from error

    def _facts(self, bucket: str, key: str) -> "_Facts | None":
        with mapped_errors("look at", f"s3://{bucket}/{key}"):
            try:
                answer = self._client.head_object(Bucket=bucket, Key=key)
            except ClientError as error:
                if status_of(error) == 404:
                    return None
                raise
        return _Facts(
            size_bytes=int(answer["ContentLength"]),
            etag=str(answer["ETag"]).strip('"'),
            sha256=answer.get("Metadata", {}).get(_SHA256),
        )


@dataclass(frozen=True, kw_only=True)
class _Facts:
    size_bytes: int
    etag: str
    sha256: str | None
