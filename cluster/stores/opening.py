"""Which store an address names: a folder, or a bucket. The only place that knows both."""

from pathlib import Path

from bodyswap.errors import UsageError
from cluster.stores.local import LocalStore
from cluster.stores.store import Store


def open_store(url: str) -> Store:
    """The store at `url`: s3://bucket/prefix, file:///folder, or a folder's path.

    Raises:
        UsageError: the address is of neither.
    """
    if url.startswith("s3://"):
        # boto3 is heavy, and a farm on folders needs none.
        from cluster.stores.s3 import open_s3_store

        return open_s3_store(url)
    if "://" in url and not url.startswith("file://"):
        raise UsageError(
            f"store '{url}' is of an unknown kind; give a folder or s3://bucket/prefix"
        )
    folder = Path(url.removeprefix("file://"))
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"store '{url}' is no folder; give a folder or s3://bucket/prefix")
    return LocalStore(folder)
