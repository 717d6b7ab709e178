"""Cut a job's frames into shards.

Pure: it does not know which worker gets which shard, or when.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from bodyswap.config import POSE_SEARCH_EVERY
from bodyswap.timing import FIRST_FRAME_NUMBER, FrameRange
from cluster.jobs.job import JobSpec, Stage
from cluster.stores.record import content_hash

LEAST_SHARD_FRAMES = 24
"""A shorter one would spend its time on warm-up frames and on its own start."""

MOST_SHARD_FRAMES = 480
"""What is lost at most when a worker dies."""


@dataclass(frozen=True, kw_only=True, order=True)
class Shard:
    """A stage's work over `frames`; `index` counts from 0 within the stage.

    `take` counts how often somebody had it done again although it was committed.
    """

    stage: Stage
    index: int
    frames: FrameRange
    take: int = 0

    @property
    def name(self) -> str:
        """What people call it by, such as "render-2"."""
        return f"{self.stage}-{self.index}"

    def numbered(self, first_number: int) -> str:
        """In words, of a plate whose first frame has this number."""
        return f"{self.stage} {self.index} ({self.frames.numbered(first_number)})"

    def __str__(self) -> str:
        return self.numbered(FIRST_FRAME_NUMBER)


@dataclass(frozen=True, kw_only=True)
class Split:
    """The render shard of this index is done as several, each after the first begun at one of `at`.

    They take the first indices that are free: what an attempt at the whole comes to counts no more.
    """

    index: int
    at: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A job's shards, written once: later runs of the same job keep to it.

    A job whose poses were given has no pose shards. `cuts` are frames before which the plate is
    cut, once the solve step has told them. At `fixed` frames a render shard begins whatever the
    plate shows: there the settings change, or an earlier job of the same frames was split.
    `warmup_frames` is what a render shard begun from nothing costs; None where that is not known.
    """

    job: str
    frames: FrameRange
    pose: tuple[FrameRange, ...]
    render: tuple[FrameRange, ...]
    content_hash: str
    cuts: tuple[int, ...] = ()
    fixed: tuple[int, ...] = ()
    warmup_frames: int | None = None
    again: tuple[str, ...] = ()
    """Names of shards that are done again, each as often as it stands here."""
    splits: tuple[Split, ...] = ()
    """Render shards that others stand for, in the order in which they were split."""

    def retaken(self, names: Sequence[str]) -> "Plan":
        """The same plan, with these shards to be done once more."""
        return replace(self, again=(*self.again, *names)) if names else self

    def divided(self, splits: Sequence[Split]) -> "Plan":
        """The same plan, with these render shards split further."""
        return replace(self, splits=(*self.splits, *splits)) if splits else self

    def parts_of(self, name: str) -> tuple[Shard, ...]:
        """The shards that a split one of this name is done as; none where it was never split."""
        for count, split in enumerate(self.splits):
            before = replace(self, splits=self.splits[:count]).shards(Stage.RENDER)
            after = replace(self, splits=self.splits[: count + 1]).shards(Stage.RENDER)
            if any(shard.name == name and shard.index == split.index for shard in before):
                return tuple(shard for shard in after if shard not in before)
        return ()

    def following(self, names: Sequence[str], *, is_chained: bool) -> tuple[str, ...]:
        """The render shards and assembly of these names, and all that is made from them.

        `is_chained` tells that each render shard goes on from the one before, up to a cut.
        """
        told, goes_on = set(), False
        for shard in self.shards(Stage.RENDER):
            goes_on = goes_on and is_chained and shard.frames.start not in self.cuts
            goes_on = goes_on or shard.name in names
            told |= {shard.name} if goes_on else set()
        (assembling,) = self.shards(Stage.ASSEMBLE)
        is_asked = bool(told) or assembling.name in names
        return (*sorted(told), *((assembling.name,) if is_asked else ()))

    def around(self, cuts: tuple[int, ...]) -> "Plan":
        """The same plan, its render shards begun at cuts where there are some close by."""
        render = split_at(begun_at(self.render, cuts), self.fixed)
        return replace(self, render=render, cuts=cuts)

    def shards(self, stage: Stage) -> tuple[Shard, ...]:
        """The stage's shards in the order of their frames, which only splits make another order."""
        ranges = {
            Stage.POSE: self.pose,
            Stage.SOLVE: (self.frames,),
            Stage.RENDER: self.render,
            Stage.ASSEMBLE: (self.frames,),
        }[stage]
        plain = [Shard(stage=stage, index=n, frames=frames) for n, frames in enumerate(ranges)]
        for split in self.splits if stage is Stage.RENDER else ():
            plain = _divided(plain, split)
        if not self.again:
            return tuple(plain)
        takes = Counter(self.again)
        return tuple(replace(shard, take=takes[shard.name]) for shard in plain)

    @cached_property
    def all_shards(self) -> tuple[Shard, ...]:
        return tuple(shard for stage in Stage for shard in self.shards(stage))


def make_plan(
    spec: JobSpec,
    *,
    workers: int,
    as_before: tuple[FrameRange, ...] | None = None,
    split_before: tuple[int, ...] = (),
    warmup_frames: int | None = None,
) -> Plan:
    """The plan of `spec` for about `workers` workers: as few shards as keep them busy.

    It cuts as the same frames were cut `as_before`, unless that leaves workers without a shard, and
    then also where those were split.
    """
    count = spec.shards or _fitting_count(len(spec.frames), workers)
    is_as_before = as_before is not None and len(as_before) >= count
    ranges = as_before if as_before and is_as_before else cut(spec.frames, count)
    bounds = {n for each in spec.ranges for n in (each.frames.start, each.frames.stop)}
    fixed = tuple(sorted(bounds.union(split_before if is_as_before else ())))
    posed = () if spec.poses else aligned(ranges, POSE_SEARCH_EVERY)
    identity = (spec.job, [(part.start, part.stop) for part in (*posed, *ranges)])
    return Plan(
        job=spec.job,
        frames=spec.frames,
        pose=posed,
        render=split_at(ranges, fixed),
        content_hash=content_hash(identity),
        fixed=fixed,
        warmup_frames=warmup_frames,
    )


def cut(frames: FrameRange, count: int) -> tuple[FrameRange, ...]:
    """`frames` as `count` consecutive ranges whose lengths differ by one at most."""
    bounds = [frames.start + len(frames) * step // count for step in range(count + 1)]
    return tuple(FrameRange(start=start, stop=stop) for start, stop in pairwise(bounds))


def aligned(ranges: tuple[FrameRange, ...], step: int) -> tuple[FrameRange, ...]:
    """The same frames, cut only at multiples of `step`: as many ranges, or fewer."""
    inner = {round(part.start / step) * step for part in ranges[1:]}
    first, last = ranges[0].start, ranges[-1].stop
    bounds = [first, *sorted(cut for cut in inner if first < cut < last), last]
    return tuple(FrameRange(start=start, stop=stop) for start, stop in pairwise(bounds))


def split_at(ranges: tuple[FrameRange, ...], at: tuple[int, ...]) -> tuple[FrameRange, ...]:
    """The same frames, each range cut before those of `at` that lie in it."""
    bounds = {part.start for part in ranges} | {ranges[-1].stop}
    bounds |= {frame for frame in at if ranges[0].start < frame < ranges[-1].stop}
    return tuple(FrameRange(start=start, stop=stop) for start, stop in pairwise(sorted(bounds)))


def begun_at(ranges: tuple[FrameRange, ...], cuts: tuple[int, ...]) -> tuple[FrameRange, ...]:
    """The same frames in as many ranges, each begun at the nearest of `cuts` if one is near.

    Near is within a quarter of a mean range: shards stay about as long as they were.
    """
    first, last = ranges[0].start, ranges[-1].stop
    reach = (last - first) / len(ranges) / 4
    bounds = [first]
    for part, after in pairwise([*ranges[1:], FrameRange(start=last, stop=last)]):
        near = [cut for cut in cuts if bounds[-1] < cut < after.start]
        nearest = min(near, key=lambda cut: abs(cut - part.start), default=part.start)
        is_near = abs(nearest - part.start) <= reach
        bounds.append(nearest if is_near else part.start)
    bounds.append(last)
    return tuple(FrameRange(start=start, stop=stop) for start, stop in pairwise(bounds))


def _divided(shards: list[Shard], split: Split) -> list[Shard]:
    """The same frames, with the shard that is split replaced; as they were where there is none."""
    free = 1 + max(shard.index for shard in shards)
    divided: list[Shard] = []
    for shard in shards:
        parts = split_at((shard.frames,), split.at) if shard.index == split.index else ()
        if len(parts) < 2:
            divided.append(shard)
        else:
            divided += [
                Shard(stage=shard.stage, index=free + n, frames=part)
                for n, part in enumerate(parts)
            ]
    return divided


def _fitting_count(frame_count: int, workers: int) -> int:
    most = max(1, frame_count // LEAST_SHARD_FRAMES)
    least = -(-frame_count // MOST_SHARD_FRAMES)
    return max(least, min(workers, most))
