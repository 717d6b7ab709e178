"""The auditor's rules for takes and splits: what is in a published shot, and what may be split.

Of a shot it goes by the journal alone.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from cluster.farm.decide import Divide
from cluster.jobs.journal import Entry
from cluster.jobs.snapshot import JobView
from cluster.simulation.violation import ViolationError

Part = dict[str, Any]
"""Of a manifest, as JSON has it."""


def check_makers(entries: Sequence[Entry], parts: Sequence[Part], made: list[list[int]]) -> None:
    """Each frame tells what it was rendered as part of: that must be what was asked for last.

    `made` has every frame once, in order.
    """
    split = {entry.split.index for entry in entries if entry.split}
    first = made[0][0]
    for part in parts:
        index, take = part["shard"], take_of(entries, part["shard"])
        if index in split:
            raise ViolationError(f"render {index} is in the shot although it was split")
        if part["reused_from"]:
            if take:
                raise ViolationError(f"render {index} was to be done again, and was taken over")
            continue
        start, stop = part["frames"]["start"], part["frames"]["stop"]
        wanted = [[frame, index, take] for frame in range(start, stop)]
        if made[start - first : stop - first] != wanted:
            raise ViolationError(f"render {index} is not in the shot as take {take}")


def take_of(entries: Sequence[Entry], index: int) -> int:
    """How often the render shard was asked for again."""
    return Counter(name for entry in entries for name in entry.again)[f"render-{index}"]


def check_divide(divide: Divide, job: JobView, *, is_anybody_idle: bool) -> None:
    """Only what waits, in fast mode, was cut by the farm, never failed, and somebody is idle."""
    view = next(view for view in job.shards if view.shard == divide.shard)
    what = f"{divide.shard} was to be split although"
    if view.commit is not None or view.held is not None:
        raise ViolationError(f"{what} it is done or under work")
    if job.spec.is_exact or job.spec.shards is not None:
        raise ViolationError(f"{what} it has to stay as it is cut")
    if view.failures or view.shard.take:
        raise ViolationError(f"{what} it was tried before")
    if not is_anybody_idle:
        raise ViolationError(f"{what} nobody is idle")
    frames = divide.shard.frames
    bounds = [frames.start, *divide.at, frames.stop]
    warmup_frames = job.spec.render_settings.warmup_frames or 0
    if any(after - before <= 2 * warmup_frames for before, after in pairwise(bounds)):
        raise ViolationError(f"{what} a piece would be mostly warm-up")
