import numpy as np
import pytest

from bodyswap.keypoints.boxes import box_overlap, distinct_people, likeness, pose_box
from bodyswap.skeleton import Floats


def _person(x: float, y: float, size: float) -> Floats:
    generator = np.random.default_rng(7)
    return (generator.uniform(0, 1, (17, 2)) * size + [x, y]).astype(np.float32)


def test_a_box_holds_the_certain_joints_with_room_and_ignores_the_others() -> None:
    keypoints = _person(100, 50, 80)
    confidence = np.ones(17, np.float32)
    keypoints[3], confidence[3] = (900, 900), 0.1
    box = pose_box(keypoints, confidence)
    sure = np.delete(keypoints, 3, axis=0)
    assert (box[:2] < sure.min(axis=0)).all() and (box[2:] > sure.max(axis=0)).all()
    assert box[2] < 250


@pytest.mark.parametrize(
    ("other", "overlap"), [([0, 0, 10, 10], 1.0), ([5, 0, 15, 10], 1 / 3), ([20, 20, 30, 30], 0.0)]
)
def test_overlap_is_intersection_over_union(other: list[float], overlap: float) -> None:
    first = np.array([0, 0, 10, 10], np.float32)
    assert box_overlap(first, np.array(other, np.float32)) == pytest.approx(overlap)


def test_likeness_falls_as_a_pose_moves_away() -> None:
    person, sure = _person(0, 0, 100), np.ones(17, np.float32)
    moved = [likeness(person, sure, person + by, sure) for by in (0, 5, 15, 100)]
    assert moved[0] == pytest.approx(1.0) and moved == sorted(moved, reverse=True)


def test_one_person_seen_twice_is_kept_once_and_a_neighbour_stays() -> None:
    people = np.stack([_person(0, 0, 100), _person(3, 2, 100), _person(300, 0, 100)])
    sure = np.ones((3, 17), np.float32)
    kept = distinct_people(people, sure, np.array([0.6, 0.9, 0.5], np.float32))
    assert kept.tolist() == [1, 2]
