"""The commit protocol: lease, data under the attempt, then one conditional put.

It does not know what the data is. Every step is safe to repeat, and may race: exactly one attempt
of a shard is committed, and the data of any other is removed.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bodyswap.errors import StoreError
from bodyswap.steps import step
from cluster.jobs.keys import JobKeys
from cluster.jobs.lease import Lease
from cluster.jobs.plan import Shard
from cluster.stores.record import file_hash, from_json, to_json
from cluster.stores.store import Store

_EPOCH_TRIES = 100


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """A file of an attempt, where it lies and what it must be."""

    name: str
    key: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A shard's result. Pts are ticks of the plate's clock, None for stages that make no video.

    `work_s` is how long its worker had it; None where that was not measured yet. `cuts` are where
    the solve step knows the plate to be cut. `made_by` is the attempt, of whatever job, that made a
    result which this one only took over.
    """

    lease: Lease
    files: tuple[StoredFile, ...]
    frame_count: int
    first_pts: int | None = None
    last_pts: int | None = None
    work_s: float | None = None
    cuts: tuple[int, ...] = ()
    made_by: Lease | None = None

    def file(self, name: str) -> StoredFile:
        """The committed file called `name`, with any suffix if `name` has none."""
        for file in self.files:
            if name in (file.name, file.name.rpartition(".")[0]):
                return file
        raise StoreError(f"{self.lease.shard} was committed without a file '{name}'")


class Outcome(StrEnum):
    """How an attempt's commit went: WON stands, LOST means that another attempt's stands."""

    WON = "won"
    LOST = "lost"


def grant(store: Store, *, job: str, shard: Shard, epoch: int, worker: str) -> Lease:
    """Write a lease with the first free epoch from `epoch` on."""
    for candidate in range(epoch, epoch + _EPOCH_TRIES):
        lease = Lease(job=job, shard=shard, epoch=candidate, worker=worker)
        if store.put_if_absent(JobKeys(job=job).lease(shard, candidate), to_json(lease)):
            return lease
    raise StoreError(f"no free lease for {shard} of job {job} in {_EPOCH_TRIES} epochs")


def store_file(store: Store, lease: Lease, path: Path) -> StoredFile:
    """Put a file among the attempt's data."""
    key = JobKeys(job=lease.job).attempt(lease) + path.name
    with step("store"):
        store.put_file(key, path)
    return StoredFile(
        name=path.name, key=key, sha256=file_hash(path), size_bytes=path.stat().st_size
    )


def put_commit(store: Store, commit: Commit) -> Outcome:
    """Make the attempt the shard's result, unless another already is: then remove its data."""
    lease = commit.lease
    key = JobKeys(job=lease.job).commit(lease.shard)
    if store.put_if_absent(key, to_json(commit)):
        return Outcome.WON
    standing = read_commit(store, lease.job, lease.shard)
    # A put whose answer was lost is repeated, and then meets itself.
    if standing is not None and standing.lease == lease:
        return Outcome.WON
    discard(store, lease)
    return Outcome.LOST


def read_commit(store: Store, job: str, shard: Shard) -> Commit | None:
    """The shard's commit, or None while it has none."""
    key = JobKeys(job=job).commit(shard)
    data = store.get(key)
    return None if data is None else from_json(data, Commit, what=key)


def discard(store: Store, lease: Lease) -> None:
    """Remove an attempt's data. Only for attempts that are not committed."""
    for key in store.list_keys(JobKeys(job=lease.job).attempt(lease)):
        store.delete(key)
