from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from specs import make_spec

from bodyswap.config import POSE_SEARCH_EVERY
from bodyswap.errors import UsageError
from bodyswap.timing import FrameRange
from cluster.jobs.job import Stage
from cluster.jobs.plan import LEAST_SHARD_FRAMES, MOST_SHARD_FRAMES, Plan, begun_at, cut, make_plan
from cluster.stores.record import from_json, to_json

ranges = st.tuples(st.integers(0, 5000), st.integers(1, 3000)).map(
    lambda pair: FrameRange(start=pair[0], stop=pair[0] + pair[1])
)


@given(frames=ranges, data=st.data())
def test_a_cut_covers_every_frame_and_overlaps_none(
    frames: FrameRange, data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, len(frames)))
    parts = cut(frames, count)
    assert len(parts) == count
    assert [index for part in parts for index in part] == list(frames)
    lengths = {len(part) for part in parts}
    assert min(lengths) >= 1 and max(lengths) - min(lengths) <= 1


@given(frames=ranges, workers=st.integers(1, 64))
def test_a_plan_left_to_itself_has_few_shards_none_of_them_too_short_or_long(
    frames: FrameRange, workers: int
) -> None:
    plan = make_plan(make_spec(frames=frames), workers=workers)
    lengths = [len(part) for part in plan.render]
    assert max(lengths) <= MOST_SHARD_FRAMES
    assert len(lengths) <= max(workers, -(-len(frames) // MOST_SHARD_FRAMES))
    assert len(lengths) == 1 or min(lengths) >= LEAST_SHARD_FRAMES
    if len(frames) >= workers * LEAST_SHARD_FRAMES:
        assert len(lengths) >= workers, "a worker would idle"


@given(frames=ranges, workers=st.integers(1, 9))
def test_stages_with_one_shard_take_the_whole_job(frames: FrameRange, workers: int) -> None:
    plan = make_plan(make_spec(frames=frames), workers=workers)
    for stage in (Stage.SOLVE, Stage.ASSEMBLE):
        assert [shard.frames for shard in plan.shards(stage)] == [frames]
    for before, after in pairwise(plan.shards(Stage.POSE)):
        assert (before.index + 1, before.frames.stop) == (after.index, after.frames.start)


@given(frames=ranges, count=st.integers(1, 12))
def test_pose_shards_begin_where_people_are_searched_for_anyway(
    frames: FrameRange, count: int
) -> None:
    plan = make_plan(make_spec(frames=frames, shards=min(count, len(frames))), workers=2)
    assert [index for part in plan.pose for index in part] == list(frames)
    assert all(part.start % POSE_SEARCH_EVERY == 0 for part in plan.pose[1:])
    assert len(plan.pose) <= len(plan.render)


def test_an_asked_for_number_of_shards_is_kept() -> None:
    spec = make_spec(frames=FrameRange(start=3, stop=10), shards=7)
    assert [len(part) for part in make_plan(spec, workers=1).render] == [1] * 7


def test_more_shards_than_frames_are_refused() -> None:
    with pytest.raises(UsageError, match="7 frames cannot be cut into 8 shards"):
        make_spec(frames=FrameRange(start=3, stop=10), shards=8)


def test_a_plan_reads_back_as_it_was_written() -> None:
    plan = make_plan(make_spec(frames=FrameRange(start=0, stop=999)), workers=3)
    assert from_json(to_json(plan), Plan, what="plan") == plan


def test_plans_differ_in_hash_when_they_differ_in_shards() -> None:
    spec = make_spec(frames=FrameRange(start=0, stop=999))
    hashes = {make_plan(spec, workers=workers).content_hash for workers in (3, 4, 5)}
    assert len(hashes) == 3


@given(frames=ranges, count=st.integers(1, 12), data=st.data())
def test_shards_begin_at_cuts_that_are_near_and_stay_about_as_long(
    frames: FrameRange, count: int, data: st.DataObject
) -> None:
    parts = cut(frames, min(count, len(frames)))
    cuts = tuple(sorted(data.draw(st.sets(st.sampled_from(list(frames))))))
    begun = begun_at(parts, cuts)
    assert [index for part in begun for index in part] == list(frames)
    assert len(begun) == len(parts) and all(len(part) for part in begun)
    reach = len(frames) / len(parts) / 4
    for before, after in zip(parts[1:], begun[1:], strict=True):
        assert after.start == before.start or after.start in cuts
        assert abs(after.start - before.start) <= reach


def test_a_cut_nearby_is_where_a_shard_begins_and_one_far_off_is_not() -> None:
    parts = cut(FrameRange(start=0, stop=120), 3)
    starts = [part.start for part in begun_at(parts, (37, 44, 60))]
    assert starts == [0, 37, 80]
