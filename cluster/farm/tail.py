"""Which waiting shards are done as several, so that no worker is idle while another has long to go.

Pure. Lengths stand for times: workers are taken to be equally fast. A piece costs its warm-up
frames once more, so it is several warm-ups long, and whoever gets one is free early enough for it.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from cluster.farm.share import is_at_quota, usable
from cluster.jobs.job import JobState, Stage
from cluster.jobs.lease import Held
from cluster.jobs.plan import LEAST_SHARD_FRAMES, cut
from cluster.jobs.snapshot import JobView, ShardView, Snapshot

WARMUPS_A_PIECE = 4


@dataclass(frozen=True, kw_only=True)
class Divided:
    """A shard that is to be split before these frames."""

    job: JobView
    view: ShardView
    at: tuple[int, ...]


def divide_tail(snapshot: Snapshot, jobs: Sequence[JobView]) -> Iterator[Divided]:
    """The shards of `jobs` to be split now: none unless all that waits is done sooner by it."""
    free = _free_after(snapshot) if jobs else []
    if not free or free[0] > 0:
        return
    queue = [
        (job, view)
        for job in jobs
        if not is_at_quota(job.spec.project, snapshot)
        for view in job.ready(snapshot.now_s)
    ]
    waiting = sum(len(view.shard.frames) for _, view in queue)
    pieces = [_pieces(job, view, snapshot, free, waiting) for job, view in queue]
    wholes = [(len(view.shard.frames), _warmup(job) or 0) for job, view in queue]
    parts = [
        (length / count, warmup_frames)
        for (length, warmup_frames), count in zip(wholes, pieces, strict=True)
        for _ in range(count)
    ]
    if _done_after(parts, free) < _done_after(wholes, free):
        for (job, view), count in zip(queue, pieces, strict=True):
            if count > 1:
                at = tuple(part.start for part in cut(view.shard.frames, count)[1:])
                yield Divided(job=job, view=view, at=at)


def _pieces(
    job: JobView, view: ShardView, snapshot: Snapshot, free: Sequence[int], waiting: int
) -> int:
    """In how many the shard would be done, of so many frames that wait in all."""
    least = least_piece(job)
    if least is None or not may_be_split(job, view):
        return 1
    length = len(view.shard.frames)
    wished = round(length * _sharers(waiting, free, least) / waiting)
    return max(1, min(wished, length // least, _most_at_once(job, snapshot, wished)))


def _done_after(shards: Iterable[tuple[float, int]], free: Sequence[int]) -> float:
    """When all of (frames, warm-up) are done: whoever is free takes the longest that is left."""
    ends: list[float] = list(free)
    for frames, warmup_frames in sorted(shards, reverse=True):
        heapq.heapreplace(ends, ends[0] + frames + warmup_frames)
    return max(ends)


def may_be_split(job: JobView, view: ShardView) -> bool:
    """True where it is not cut as somebody asked, has not failed, and nothing goes on from it."""
    is_free_to_cut = job.spec.shards is None and not job.spec.is_exact
    is_first_try = not view.failures and not view.shard.take and view.is_waiting
    # Whoever would assemble from the whole has to write that in the journal first, and is refused.
    is_before_assembly = job.state.may_become(JobState.ASSEMBLING)
    is_render = view.shard.stage is Stage.RENDER
    return is_free_to_cut and is_first_try and is_render and is_before_assembly


def least_piece(job: JobView) -> int | None:
    """How many frames a piece has at least; None where its warm-up is not known."""
    warmup_frames = _warmup(job)
    if warmup_frames is None:
        return None
    return max(LEAST_SHARD_FRAMES, WARMUPS_A_PIECE * warmup_frames)


def _warmup(job: JobView) -> int | None:
    """The longest that any shard of the job has."""
    asked = job.spec.render_settings.warmup_frames
    plain = job.plan.warmup_frames if asked is None and job.plan else asked
    if plain is None:
        return None
    of_ranges = [job.spec.settings_in(part).warmup_frames or 0 for part in job.spec.ranges]
    return max([plain, *of_ranges])


def _sharers(waiting: int, free: Sequence[int], least: int) -> int:
    """How many workers can share so many frames, each with `least` of them or more.

    They would all be done at the same time: the sum of their ends is what they have to do.
    """
    count = 0
    for workers, busy in enumerate(accumulate(free), start=1):
        end = (waiting + busy) / workers
        if end - free[workers - 1] >= least:
            count = workers
    return count


def _free_after(snapshot: Snapshot) -> list[int]:
    """After how many frames more each worker that renders is free, the soonest first.

    Those at other work are left out: how long that takes is not known.
    """
    held_by = {held.lease.worker: held for job in snapshot.jobs for held in job.held}
    left = [
        0 if worker.is_idle else _left(held_by.get(worker.name))
        for worker in usable(snapshot)
        if Stage.RENDER in worker.stages
    ]
    return sorted(frames for frames in left if frames is not None)


def _left(held: Held | None) -> int | None:
    if held is None or held.stop_asked_at_s is not None:
        return None
    shard = held.lease.shard
    is_render = shard.stage is Stage.RENDER
    return max(0, len(shard.frames) - held.frames_done) if is_render else None


def _most_at_once(job: JobView, snapshot: Snapshot, otherwise: int) -> int:
    share = snapshot.shares.get(job.spec.project)
    return otherwise if share is None or share.most_workers is None else share.most_workers
