"""Links to objects of the store that work for a time, for people without its credentials.

It does not know who may have one; whoever asks is let through a door first.
"""

from pathlib import Path

from bodyswap.errors import UsageError
from cluster.stores.store import Store, check_key

LONGEST_LINK_S = 7 * 24 * 3600
"""Signatures of S3 hold no longer."""


def link_to(store: Store, key: str, *, lasts_s: int) -> str:
    """A link to the object: signed, of a bucket; the file's own, of a folder.

    Raises:
        UsageError: no link may last so long.
        StoreError: there are no credentials to sign with.
    """
    if not 0 < lasts_s <= LONGEST_LINK_S:
        raise UsageError(f"a link cannot last {lasts_s} s; {LONGEST_LINK_S} at most")
    if not store.url.startswith("s3://"):
        return (Path(store.url) / check_key(key)).as_uri()
    # boto3 is heavy, and a farm on folders needs none.
    from cluster.stores.s3 import split_store_url
    from cluster.stores.s3_client import mapped_errors, s3_client

    bucket, prefix = split_store_url(store.url)
    target = {"Bucket": bucket, "Key": prefix + check_key(key)}
    with mapped_errors("link to", key):
        return str(s3_client().generate_presigned_url("get_object", target, ExpiresIn=lasts_s))
