"""Objects in anybody's S3 bucket: plates are fetched from there, and shots delivered to there.

It does not know jobs. Unlike the store, it takes keys as others named them. Endpoint, region and
credentials come from the standard AWS environment and configuration files.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

from cluster.events.frames import ListedObject
from cluster.events.notification import PlacedObject
from cluster.stores.s3_client import mapped_errors, read_body, s3_client, status_of

_SHA256 = "sha256"


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

    def deliver(self, path: Path, bucket: str, key: str, *, sha256: str) -> bool:
        """Put a file there, unless it lies there already; False where another file does."""
        facts = self._facts(bucket, key)
        if facts is not None:
            return facts.sha256 == sha256
        with mapped_errors("deliver", f"s3://{bucket}/{key}"):
            self._client.upload_file(
                str(path), bucket, key, ExtraArgs={"Metadata": {_SHA256: sha256}}
            )
        return True

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
