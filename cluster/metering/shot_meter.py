"""How good a published shot is, read from what was delivered and put into the farm's metrics.

It does not judge: the quality gates do.
"""

from bodyswap.joins import Join
from bodyswap.people import PoseSequence
from cluster.delivering.publish import read_manifest
from cluster.jobs.keys import JobKeys
from cluster.jobs.trace_id import trace_of
from cluster.metering.metrics import Meters
from cluster.stores.store import Store


def measure_shot(store: Store, job: str, meters: Meters) -> None:
    """Count the shot's joins and the confidence of its poses. Raises StoreError."""
    manifest = read_manifest(store, job)
    if manifest is None:
        return
    tolerance = manifest.settings.get("join_tolerance")
    for join in manifest.joins:
        if join.score is not None:
            meters.observe("join_score_levels", join.score.block, trace=trace_of(job))
        if join.warping_ratio is not None:
            meters.observe("join_warping_ratio", join.warping_ratio, trace=trace_of(job))
        meters.add("joins", 1, _outcome(join, tolerance))
    data = store.get(f"{JobKeys(job=job).out}performer-poses.npz")
    if data is not None:
        confidence_NK = PoseSequence.from_bytes(data).confidence_NK
        seen = confidence_NK[confidence_NK > 0]
        if seen.size:
            meters.observe("pose_confidence_ratio", float(seen.mean()), trace=trace_of(job))


def _outcome(join: Join, tolerance: object) -> str:
    if join.score is None:
        return "cut"
    if join.mended_frames:
        return "mended"
    is_open = isinstance(tolerance, int | float) and join.score.shows(tolerance)
    return "open" if is_open else "clean"
