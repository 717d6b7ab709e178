import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bodyswap.errors import UsageError
from bodyswap.frames import RGB
from bodyswap.quality.joins import JoinQuality, measure_joins, read_joins, tell_joins
from bodyswap.quality.metrics import compare
from bodyswap.timing import FrameRange
from tests.quality.scenes import panned, walked

COUNT, JOIN = 12, 6
PLATE = FrameRange(start=100, stop=100 + COUNT)
SCENE, WALK = panned(COUNT), walked(COUNT)


def _measured(render: list[RGB], reference: list[RGB], *joins: int) -> tuple[JoinQuality, ...]:
    return measure_joins(compare(render, reference), PLATE, [100 + join for join in joins])


def _grainy(pictures: list[RGB], seed: int = 8) -> list[RGB]:
    """A render's own restlessness: a grey level or so, another in every frame."""
    generator = np.random.default_rng(seed)
    return [
        np.clip(picture + generator.normal(0, 1.5, picture.shape), 0, 255).round().astype(np.uint8)
        for picture in pictures
    ]


def _brighter_from(start: int, pictures: list[RGB], by: int = 15) -> list[RGB]:
    return [
        picture + np.uint8(by) if index >= start else picture
        for index, picture in enumerate(pictures)
    ]


def test_a_seam_of_a_few_grey_levels_stands_out_however_much_all_moves() -> None:
    (join,) = _measured(_brighter_from(JOIN, _grainy(SCENE), by=4), SCENE, JOIN)
    assert join.frame == 1101 + JOIN
    assert join.stands_out
    assert join.excess is not None and join.excess > 1.5
    assert "at frame 1107; above every neighbour: 1107" in tell_joins([join])


def test_a_person_who_jumps_aside_at_a_join_stands_out_though_the_rest_is_still() -> None:
    aside = [*WALK[:JOIN], *walked(COUNT, start=12)[JOIN:]]
    (join,) = _measured(_grainy(aside), WALK, JOIN)
    assert join.stands_out
    assert join.excess is not None and join.excess > 1.2


def test_a_join_that_does_not_show_is_a_step_like_any_other() -> None:
    joins = _measured(_grainy(WALK), WALK, 3, JOIN, 9)
    assert [join.ratio for join in joins] == pytest.approx([1, 1, 1], abs=0.1)
    (perfect,) = _measured(WALK, WALK, JOIN)
    assert perfect.excess == pytest.approx(1, abs=0.05) and not perfect.stands_out


def test_a_jump_of_the_reference_itself_is_no_fault_of_the_join() -> None:
    both = _brighter_from(JOIN, SCENE)
    (join,) = _measured(both, both, JOIN)
    assert join.ratio is not None and join.ratio > 5
    assert join.excess == pytest.approx(1) and not join.stands_out


def test_a_quiet_reference_does_not_make_a_join_look_worse() -> None:
    quiet = _grainy(SCENE, seed=9)
    quiet[JOIN - 1 : JOIN + 1] = SCENE[JOIN - 1 : JOIN + 1]
    (join,) = _measured(_grainy(SCENE), quiet, JOIN)
    assert join.reference_ratio is not None and join.reference_ratio < 0.5
    assert join.excess == join.ratio


def test_one_bad_frame_beside_a_join_does_not_hide_it() -> None:
    flawed = _brighter_from(JOIN, _grainy(SCENE), by=4)
    flawed[JOIN + 3] = flawed[JOIN + 3] + np.uint8(30)
    (join,) = _measured(flawed, SCENE, JOIN)
    assert join.excess is not None and join.excess > 1.5
    assert not join.stands_out and join.worst_beside is not None and join.worst_beside > 20


def test_a_pulse_of_the_still_background_is_told_apart() -> None:
    (join,) = _measured(_brighter_from(JOIN, WALK, by=1), WALK, JOIN)
    assert join.flicker_ratio is not None and join.flicker_ratio > 5


def test_other_joins_nearby_do_not_count_as_usual() -> None:
    twice = _brighter_from(JOIN + 2, _brighter_from(JOIN, SCENE))
    alone, among = _measured(twice, SCENE, JOIN)[0], _measured(twice, SCENE, JOIN, JOIN + 2)[0]
    assert not alone.stands_out and among.stands_out


def test_where_every_step_is_a_join_nothing_can_be_told() -> None:
    joins = _measured(SCENE, SCENE, *range(1, COUNT))
    assert {join.excess for join in joins} == {None}
    assert tell_joins(joins) == "joins: 11; none could be measured"


def _manifest(path: Path, cuts: list[int]) -> Path:
    ranges = [{"start": a, "stop": b} for a, b in pairwise(cuts)]
    parts = [{"shard": k, "frames": frames} for k, frames in enumerate(ranges)]
    whole = {"start": cuts[0], "stop": cuts[-1]}
    path.write_text(json.dumps({"frames": whole, "parts": parts[::-1]}))
    return path


def test_joins_are_the_first_frames_of_all_parts_but_the_first(tmp_path: Path) -> None:
    manifest = _manifest(tmp_path / "manifest.json", [100, 104, 109, 112])
    assert read_joins(manifest, PLATE) == (104, 109)
    elsewhere = FrameRange(start=0, stop=COUNT)
    assert read_joins(manifest, elsewhere) == (4, 9)


def test_a_manifest_of_other_frames_and_what_is_none_are_refused(tmp_path: Path) -> None:
    manifest = _manifest(tmp_path / "manifest.json", [100, 104, 110])
    with pytest.raises(UsageError, match="of 10 frames, 1101-1110, but 12 are compared"):
        read_joins(manifest, PLATE)
    for text in ("{}", "[]", "no", '{"frames": {"start": 0, "stop": 12}, "parts": [3]}'):
        manifest.write_text(text)
        with pytest.raises(UsageError, match=r"is not the manifest\.json of a delivery"):
            read_joins(manifest, PLATE)
    with pytest.raises(UsageError, match=r"is not the manifest\.json of a delivery"):
        read_joins(tmp_path / "none.json", PLATE)


def test_without_joins_that_is_said() -> None:
    assert tell_joins([]) == "no joins"
