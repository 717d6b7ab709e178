"""Check that committed segments make up a whole shot, before anything is joined.

It does not know video: pts and frames are what the commits say, and the pipeline decodes the
joined file to prove it.
"""

from collections.abc import Sequence
from itertools import pairwise

from bodyswap.errors import IntegrityError
from bodyswap.timing import FrameRange
from cluster.jobs.commit import Commit

JOINS = "joins.json"
"""The file in which an assembly tells how far apart its shards were."""


def checked_order(commits: Sequence[Commit], frames: FrameRange) -> tuple[Commit, ...]:
    """The render commits in the order of their frames.

    Raises:
        IntegrityError: they do not cover `frames` exactly once, or their pts do not rise.
    """
    ordered = tuple(sorted(commits, key=lambda commit: commit.lease.shard.frames))
    ranges = [commit.lease.shard.frames for commit in ordered]
    bounds = [frames.start, *(part.stop for part in ranges)]
    starts = [*(part.start for part in ranges), frames.stop]
    if bounds != starts:
        raise IntegrityError(f"shards {', '.join(map(str, ranges))} do not make up {frames}")
    for commit in ordered:
        _check_frame_count(commit)
    for before, after in pairwise(ordered):
        _check_rising(before, after)
    return ordered


def _check_frame_count(commit: Commit) -> None:
    expected = len(commit.lease.shard.frames)
    if commit.frame_count != expected:
        raise IntegrityError(
            f"{commit.lease.shard} was committed with {commit.frame_count} frames, not {expected}"
        )


def _check_rising(before: Commit, after: Commit) -> None:
    if before.last_pts is None or after.first_pts is None or before.last_pts >= after.first_pts:
        raise IntegrityError(
            f"{after.lease.shard} begins at pts {after.first_pts}, not after {before.last_pts},"
            f" where {before.lease.shard} ends"
        )
