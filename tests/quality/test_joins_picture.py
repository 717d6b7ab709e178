from dataclasses import replace

import numpy as np

from bodyswap.frames import RGB
from bodyswap.quality.joins import JoinQuality
from bodyswap.quality.joins_picture import MOST_JOINS, draw_joins, worst_joins
from bodyswap.timing import FrameRange

FRAMES = FrameRange(start=100, stop=140)
JOIN = JoinQuality(
    frame=1111, warping_error=2.0, usual=1.0, worst_beside=1.5, reference_ratio=None,
    flicker_ratio=None,
)  # fmt: skip


def _joined(*errors: float | None) -> list[JoinQuality]:
    return [
        replace(JOIN, frame=1101 + 2 * number, warping_error=error)
        for number, error in enumerate(errors, start=1)
    ]


def test_the_worst_joins_come_first_and_those_not_measured_not_at_all() -> None:
    joins = _joined(1.0, None, 4.0, 2.0, 3.0, 1.5, 1.2)
    assert [join.warping_error for join in worst_joins(joins)] == [4.0, 3.0, 2.0, 1.5, 1.2]
    assert MOST_JOINS == 5


def test_the_frames_on_both_sides_are_asked_for_and_the_step_is_shown() -> None:
    asked: list[int] = []

    def show(index: int) -> RGB:
        asked.append(index)
        return np.full((64, 64, 3), 80 if index < 10 else 90, np.uint8)

    picture = draw_joins([JOIN], FRAMES, show)
    assert asked == [8, 9, 10, 11]
    row = picture[24 + 24 + 100]
    lefts = [290 * panel + 100 for panel in range(5)]
    assert [int(row[left, 0]) for left in lefts] == [80, 80, 90, 90, 40]


def test_a_join_at_the_shots_edge_shows_what_there_is_and_no_join_says_so() -> None:
    still = np.full((64, 64, 3), 80, np.uint8)
    edge = draw_joins([replace(JOIN, frame=1102)], FRAMES, lambda index: still)
    assert edge.shape[1] == 1440 and edge[24 + 24 + 100, 1100].tolist() != [80] * 3
    assert draw_joins(_joined(None), FRAMES, lambda index: still).shape[0] == 24
