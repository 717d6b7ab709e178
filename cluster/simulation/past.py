"""What a simulated worker takes over from other jobs instead of doing it, as the real one does.

Results are found by the real addresses and in the real place; only a rendered shard's is made
here, of numbers where the real one is made of poses.
"""

from collections.abc import Callable
from dataclasses import replace

from bodyswap.errors import StoreError
from cluster.jobs.address import pose_address, solve_address
from cluster.jobs.commit import Commit
from cluster.jobs.job import Stage
from cluster.jobs.order import Order
from cluster.jobs.results import find, offer
from cluster.stores.record import content_hash
from cluster.stores.store import Store

TakeOver = Callable[[Store, Order], Commit | None]

_KIND = "simulated"


def take_over(store: Store, order: Order) -> Commit | None:
    """A commit for the order made of a past one whose files are all there."""
    lease = order.lease
    address = _address(order)
    if address is None or lease.shard.take:
        return None
    found = find(store, lease.shard.stage, address, kind=_KIND)
    if found is None or found.lease.job == lease.job:
        return None
    if any(store.get(file.key) is None for file in found.files):
        raise StoreError(f"{found.lease.shard} of job {found.lease.job} is gone")
    return replace(found, lease=lease, made_by=found.made_by or found.lease, work_s=None)


def leave(store: Store, order: Order, commit: Commit) -> None:
    """Let later jobs find what was committed."""
    address = _address(order)
    if address is not None:
        offer(store, commit, address, _KIND)


def _address(order: Order) -> str | None:
    spec, shard = order.spec, order.lease.shard
    match shard.stage:
        case Stage.POSE:
            return pose_address(spec, shard)
        case Stage.SOLVE:
            return solve_address(spec, shard, order.inputs)
        case Stage.RENDER:
            solved, *before = order.inputs
            past = [commit.file("boundary").sha256 for commit in before]
            of = [spec.plate.sha256, spec.subject.digest, solved.file("subject").sha256]
            frames = [shard.frames.start, shard.frames.stop]
            return content_hash(("render", *of, *past, *frames, spec.settings["mode"]))
        case Stage.ASSEMBLE:
            return None
