"""Multipart uploads that were begun in a store's bucket and never finished. They cost, unseen."""

from collections.abc import Iterator
from datetime import datetime

from botocore.exceptions import ClientError

from cluster.stores.s3 import split_store_url
from cluster.stores.s3_client import mapped_errors, s3_client, status_of


def uploads_before(url: str, before: datetime) -> Iterator[tuple[str, str]]:
    """Key in the store, and id, of each upload under the store at `url` begun before then."""
    bucket, prefix = split_store_url(url)
    pages = s3_client().get_paginator("list_multipart_uploads")
    with mapped_errors("list the uploads of", url):
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            for upload in page.get("Uploads", []):
                if upload["Initiated"] < before:
                    yield upload["Key"].removeprefix(prefix), upload["UploadId"]


def abort_upload(url: str, key: str, upload: str) -> None:
    """Drop an upload and its parts; nothing happens where it is gone."""
    bucket, prefix = split_store_url(url)
    with mapped_errors("abort the upload of", key):
        try:
            s3_client().abort_multipart_upload(Bucket=bucket, Key=prefix + key, UploadId=upload)
        except ClientError as error:
            if status_of(error) != 404:
                raise
