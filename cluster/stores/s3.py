"""A store in an S3 bucket, or in any server that speaks S3 with conditional puts.

It does not know what is stored. Endpoint, region and credentials come from the standard AWS
environment and configuration files (AWS_ENDPOINT_URL_S3 names a server that is not AWS).
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from botocore.exceptions import ClientError

from bodyswap.environment import s3_write_settings
from bodyswap.errors import StoreError, UsageError
from cluster.stores.compose import Content, CopiedPart, SentPart, plan_parts
from cluster.stores.s3_client import mapped_errors, read_body, s3_client, status_of
from cluster.stores.store import ObjectFacts, check_key, check_prefix, check_whole, missing

_CONFLICT_TRIES = 8
_PARTS_AT_ONCE = 8


def open_s3_store(url: str) -> "S3Store":
    """The store at s3://bucket/prefix. Raises UsageError where `url` names no bucket."""
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    if not bucket:
        raise UsageError(f"store '{url}' names no bucket; write s3://bucket/prefix")
    return S3Store(bucket=bucket, prefix=prefix.strip("/"))


def split_store_url(url: str) -> tuple[str, str]:
    """Bucket, and what every key begins with there, of a store's URL."""
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    return bucket, f"{prefix}/" if prefix else ""


class S3Store:
    """The objects of `bucket` whose keys begin with `prefix`/."""

    def __init__(self, *, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{check_key(prefix)}/" if prefix else ""
        self._client = s3_client()
        self._written = s3_write_settings().parameters()

    @property
    def url(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def get(self, key: str) -> bytes | None:
        with mapped_errors("read", key):
            try:
                return read_body(
                    lambda: self._client.get_object(Bucket=self._bucket, Key=self._key(key))
                )
            except ClientError as error:
                if status_of(error) == 404:
                    return None
                raise

    def read_range(self, key: str, start: int, stop: int) -> bytes:
        if stop <= start:
            return b""
        with mapped_errors("read", key):
            try:
                return read_body(
                    lambda: self._client.get_object(
                        Bucket=self._bucket, Key=self._key(key), Range=f"bytes={start}-{stop - 1}"
                    )
                )
            except ClientError as error:
                if status_of(error) == 416:  # the object ends before `start`
                    return b""
                if status_of(error) == 404:
                    raise missing(key, self.url) from error
                raise

    def compose(self, key: str, contents: Sequence[Content]) -> int:
        parts = plan_parts(contents)
        sent = [part for part in parts if isinstance(part, SentPart)]
        if len(sent) == len(parts):
            self.put(key, b"".join(map(self._bytes_of, sent)))
        else:
            self._upload(key, parts)
        return sum(map(len, sent))

    def put(self, key: str, data: bytes) -> None:
        with mapped_errors("write", key):
            self._client.put_object(
                Bucket=self._bucket, Key=self._key(key), Body=data, **self._written
            )

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """As the Protocol says. Raises StoreError where conflicts never end."""
        name = self._key(key)
        for attempt in range(_CONFLICT_TRIES):
            with mapped_errors("write", key):
                try:
                    self._client.put_object(
                        Bucket=self._bucket, Key=name, Body=data, IfNoneMatch="*", **self._written
                    )
                except ClientError as error:
                    if status_of(error) == 412:
                        return False
                    if status_of(error) != 409:
                        raise
                else:
                    return True
            # Another conditional write of this key is under way; it may yet fail.
            time.sleep(0.05 * 2**attempt)
        raise StoreError(f"cannot write '{key}': {_CONFLICT_TRIES} conflicts in a row; try again")

    def list_keys(self, prefix: str) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2")
        keys: list[str] = []
        with mapped_errors("list", prefix):
            wanted = self._prefix + check_prefix(prefix)
            for page in pages.paginate(Bucket=self._bucket, Prefix=wanted):
                keys += [item["Key"] for item in page.get("Contents", [])]
        return sorted(key.removeprefix(self._prefix) for key in keys)

    def head(self, key: str) -> ObjectFacts | None:
        with mapped_errors("look at", key):
            try:
                answer = self._client.head_object(Bucket=self._bucket, Key=self._key(key))
            except ClientError as error:
                if status_of(error) == 404:
                    return None
                raise
        return ObjectFacts(key=key, size_bytes=int(answer["ContentLength"]))

    def delete(self, key: str) -> None:
        with mapped_errors("delete", key):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(key))

    def copy(self, key: str, to: str) -> None:
        source = {"Bucket": self._bucket, "Key": self._key(key)}
        if self.head(key) is None:
            raise missing(key, self.url)
        with mapped_errors("copy", key):
            self._client.copy(source, self._bucket, self._key(to), ExtraArgs=self._copied())

    def put_file(self, key: str, path: Path) -> None:
        with mapped_errors("write", key):
            self._client.upload_file(
                str(path), self._bucket, self._key(key), ExtraArgs=self._written
            )

    def fetch_file(self, key: str, path: Path) -> None:
        if self.head(key) is None:
            raise missing(key, self.url)
        with mapped_errors("fetch", key):
            path.parent.mkdir(parents=True, exist_ok=True)
            # boto3 writes a temporary file beside it and renames.
            self._client.download_file(self._bucket, self._key(key), str(path))

    def _upload(self, key: str, parts: Sequence[CopiedPart | SentPart]) -> None:
        target = {"Bucket": self._bucket, "Key": self._key(key)}
        with mapped_errors("compose", key):
            upload = target | {
                "UploadId": self._client.create_multipart_upload(**target, **self._written)[
                    "UploadId"
                ]
            }
            try:
                with ThreadPoolExecutor(_PARTS_AT_ONCE) as threads:
                    tags = list(
                        threads.map(
                            lambda numbered: self._put_part(upload, *numbered),
                            enumerate(parts, start=1),
                        )
                    )
                done = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
                self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": done})
            except BaseException:
                self._client.abort_multipart_upload(**upload)
                raise

    def _put_part(self, upload: dict[str, str], number: int, part: CopiedPart | SentPart) -> str:
        if isinstance(part, SentPart):
            answer = self._client.upload_part(
                **upload, PartNumber=number, Body=self._bytes_of(part)
            )
            return str(answer["ETag"])
        piece = part.piece
        copied = self._client.upload_part_copy(
            **upload,
            PartNumber=number,
            CopySource={"Bucket": self._bucket, "Key": self._key(piece.key)},
            CopySourceRange=f"bytes={piece.start}-{piece.stop - 1}",
        )
        return str(copied["CopyPartResult"]["ETag"])

    def _bytes_of(self, part: SentPart) -> bytes:
        blocks = []
        for content in part.contents:
            if not isinstance(content, bytes):
                data = self.read_range(content.key, content.start, content.stop)
                check_whole(content.key, data, len(content))
                content = data
            blocks.append(content)
        return b"".join(blocks)

    def _copied(self) -> dict[str, str]:
        """A copy has the store's tags of today, not those that the original was given."""
        replaced = {"TaggingDirective": "REPLACE"} if "Tagging" in self._written else {}
        return self._written | replaced

    def _key(self, key: str) -> str:
        return self._prefix + check_key(key)
