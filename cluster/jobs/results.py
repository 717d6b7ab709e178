"""Committed results by their address, so that no job does again what any job has done.

It does not know what makes an address. A result is only pointed at: its files stay with the job
that made them, and whoever would use them proves them first.
"""

from bodyswap.timing import FrameRange
from cluster.jobs.commit import Commit
from cluster.jobs.job import JobSpec, Stage
from cluster.jobs.keys import RESULTS
from cluster.jobs.plan import Plan
from cluster.stores.record import content_hash, from_json, to_json
from cluster.stores.store import Store


def offer(store: Store, commit: Commit, address: str, kind: str) -> None:
    """Let other jobs find the commit, made on a device of this kind, in place of an older one."""
    store.put(f"{_folder(commit.lease.shard.stage, address)}{kind}.json", to_json(commit))


def find(store: Store, stage: Stage, address: str, *, kind: str | None) -> Commit | None:
    """A result of the address made on this kind of device, or on any for None."""
    folder = _folder(stage, address)
    keys = store.list_keys(folder) if kind is None else [f"{folder}{kind}.json"]
    for key in keys:
        data = store.get(key)
        if data is not None:
            return from_json(data, Commit, what=key)
    return None


def remember_cut(store: Store, spec: JobSpec, plan: Plan) -> None:
    """Keep how the shot was cut, so that the next job of the same frames is cut alike."""
    # Where settings change is cut for this job alone.
    if spec.shards is None and not spec.ranges:
        store.put(_cut_key(spec), to_json(plan.render))


def remembered_cut(store: Store, spec: JobSpec) -> tuple[FrameRange, ...] | None:
    """How these frames of the plate were cut last; None where they never were, or it is asked."""
    key = _cut_key(spec)
    data = store.get(key) if spec.shards is None else None
    return None if data is None else from_json(data, tuple[FrameRange, ...], what=key)


def remember_splits(store: Store, spec: JobSpec, plan: Plan) -> None:
    """Keep where its shards were split, so that the next job's begin there from the first."""
    at = sorted({frame for split in plan.splits for frame in split.at})
    store.put(_splits_key(spec), to_json(tuple(at)))


def remembered_splits(store: Store, spec: JobSpec) -> tuple[int, ...]:
    """Where the shards of these frames were split last; nowhere in exact mode, which needs none."""
    is_asked = spec.shards is not None or spec.is_exact
    key = _splits_key(spec)
    data = None if is_asked else store.get(key)
    return () if data is None else from_json(data, tuple[int, ...], what=key)


def _folder(stage: Stage, address: str) -> str:
    return f"{RESULTS}{stage}/{address}/"


def _cut_key(spec: JobSpec) -> str:
    return f"{RESULTS}cuts/{_frames_hash(spec)}.json"


def _splits_key(spec: JobSpec) -> str:
    return f"{RESULTS}splits/{_frames_hash(spec)}.json"


def _frames_hash(spec: JobSpec) -> str:
    return content_hash((spec.plate.sha256, (spec.frames.start, spec.frames.stop)))
