import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bodyswap.errors import UsageError
from bodyswap.frames import RGB
from bodyswap.quality.joins import measure_joins, read_joins, tell_joins
from bodyswap.quality.metrics import compare
from bodyswap.timing import FrameRange
from tests.quality.scenes import panned

COUNT, JOIN = 12, 6
PLATE = FrameRange(start=100, stop=100 + COUNT)
SCENE = panned(COUNT)


def _brighter_from(start: int, pictures: list[RGB]) -> list[RGB]:
    return [
        picture + np.uint8(15) if index >= start else picture
        for index, picture in enumerate(pictures)
    ]


def test_a_jump_at_a_join_exceeds_the_references_step_however_much_all_moves() -> None:
    report = compare(_brighter_from(JOIN, SCENE), SCENE)
    (join,) = measure_joins(report, PLATE, [100 + JOIN])
    assert join.frame == 1101 + JOIN
    assert join.warping_error is not None and join.warping_error > 10
    assert join.excess is not None and join.excess > 10
    assert "at worst" in tell_joins([join]) and "at frame 1107" in tell_joins([join])


def test_a_join_that_does_not_show_is_a_step_like_any_other() -> None:
    (join,) = measure_joins(compare(SCENE, SCENE), PLATE, [100 + JOIN])
    assert join.excess == pytest.approx(1)
    assert join.change == pytest.approx(1, abs=0.2)


def test_a_jump_of_the_reference_itself_is_no_fault_of_the_join() -> None:
    both = _brighter_from(JOIN, SCENE)
    (join,) = measure_joins(compare(both, both), PLATE, [100 + JOIN])
    assert join.warping_error is not None and join.warping_error > 5
    assert join.excess == pytest.approx(1)


def test_other_joins_nearby_do_not_count_as_usual() -> None:
    report = compare(_brighter_from(JOIN + 2, _brighter_from(JOIN, SCENE)), SCENE)
    alone = measure_joins(report, PLATE, [100 + JOIN])[0].warping_error
    among = measure_joins(report, PLATE, [100 + JOIN, 102 + JOIN])[0].warping_error
    assert alone is not None and among is not None
    assert among > 2 * alone


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
