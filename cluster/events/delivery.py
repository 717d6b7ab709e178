"""Puts a published job's deliverables where the pipeline looks for them, the manifest last.

It does not know how they were made. What lies there already is never overwritten: an earlier
shot of the same name stays, and the new one goes into a folder named by its job.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from bodyswap.errors import UsageError
from cluster.client import Client
from cluster.events.rules import split_bucket_url
from cluster.stores.record import file_hash


class Destination(Protocol):
    """A place that deliverables are put in."""

    def deliver(self, path: Path, bucket: str, key: str, *, sha256: str) -> bool:
        """Put a file there; True where it lies there now, False where another file does."""


def deliver(client: Client, job: str, to: Destination, url: str) -> tuple[str, ...]:
    """The URLs of the job's files, each delivered under `url`.

    Raises:
        UsageError: other files lie under every name that the job may use there.
    """
    bucket, prefix = split_bucket_url(url)
    with TemporaryDirectory(prefix="bodyswap-shot-") as folder:
        files = client.fetch(job, Path(folder), to=f"to {url}")
        for place in (prefix, f"{prefix}{job}/"):
            keys = [place + file.name for file in files]
            if all(
                to.deliver(file, bucket, key, sha256=file_hash(file))
                for file, key in zip(files, keys, strict=True)
            ):
                return tuple(f"s3://{bucket}/{key}" for key in keys)
    raise UsageError(f"{url} holds other files of these names; deliver elsewhere")
