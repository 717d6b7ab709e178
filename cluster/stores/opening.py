"""Which store an address names: a folder, or a bucket. The only place that knows both."""

from pathlib import Path

from bodyswap.errors import UsageError
from cluster.stores.local import LocalStore
from cluster.stores.store import Store


def open_store(url: str) -> Store:
    """The store at `url`: s3://bucket/prefix, file:///folder, or a folder's path."""
    if url.startswith("s3://"):
        # boto3 is heavy, and a farm on folders needs none.
        from cluster.stores.s3 import open_s3_store

        return open_s3_store(url)
    if "://" in url and not url.startswith("file://"):
        raise UsageError(
            f"store '{url}' is of an unknown kind; give a folder or s3://bucket/prefix"
        )
    return LocalStore(Path(url.removeprefix("file://")))
