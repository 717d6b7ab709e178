"""Every id is on the sheet, in its own colour, and the strip tells when it is there."""

import numpy as np
import pytest

from bodyswap.people import Presence
from bodyswap.quality.sheet import PAPER, RULED, colour_of, faded, fitted, tiled
from bodyswap.quality.tracks_picture import (
    MOST_PANELS,
    FrameSeen,
    PersonSeen,
    TrackRow,
    choose_frames,
    draw_tracks,
)
from bodyswap.skeleton import COCO_17
from bodyswap.timing import FrameRange

FRAMES = FrameRange(start=50, stop=250)


def _row(id: int, *spans: tuple[int, int], is_performer: bool = False) -> TrackRow:
    presence_N = np.zeros(len(FRAMES), np.int8)
    for start, stop in spans:
        presence_N[start:stop] = Presence.PRESENT
    return TrackRow(id=id, presence_N=presence_N, facts="", is_performer=is_performer)


def test_frames_are_spread_over_the_shot_from_first_to_last() -> None:
    chosen = choose_frames([_row(1, (0, 200))], FRAMES)
    assert len(chosen) == MOST_PANELS and (chosen[0], chosen[-1]) == (50, 249)
    assert max(np.diff(chosen)) <= 19


def test_every_id_is_in_a_frame_however_short_it_was() -> None:
    rows = [_row(1, (0, 200)), *(_row(2 + k, (7 + 9 * k, 8 + 9 * k)) for k in range(15))]
    chosen = choose_frames(rows, FRAMES)
    for row in rows:
        assert any(row.presence_N[index - 50] == Presence.PRESENT for index in chosen), row.id
    two = choose_frames(rows[:3], FRAMES)
    assert len(two) == MOST_PANELS and {57, 66} <= set(two)


def test_a_shot_shorter_than_the_sheet_shows_each_frame_once() -> None:
    assert choose_frames([], FrameRange(start=3, stop=6)) == [3, 4, 5]


def _person(id: int, box: tuple[float, float, float, float]) -> PersonSeen:
    keypoints = np.random.default_rng(id).uniform(box[:2], box[2:], (17, 2)).astype(np.float32)
    return PersonSeen(
        id=id,
        box_4=np.array(box, np.float32),
        keypoints_K2=keypoints,
        confidence_K=np.ones(17, np.float32),
    )


@pytest.mark.parametrize("size", [(90, 160), (160, 90)])
def test_each_person_has_a_box_in_their_ids_colour(size: tuple[int, int]) -> None:
    rgb = np.full((*size, 3), 100, np.uint8)
    people = (_person(1, (10, 20, 40, 80)), _person(4, (50, 30, 80, 85)))
    rows = [_row(1, (0, 200), is_performer=True), _row(4, (20, 60))]
    seen = [FrameSeen(index=50, rgb_HW3=rgb, people=people)]
    alone = [FrameSeen(index=50, rgb_HW3=rgb, people=people[:1])]
    both = draw_tracks(seen, rows, FRAMES, COCO_17)[:-120]
    one = draw_tracks(alone, rows, FRAMES, COCO_17)[:-120]

    def inked(picture: np.ndarray, id: int) -> int:
        return int((picture == colour_of(id)).all(axis=2).sum())

    assert inked(both, 1) > 200 and inked(both, 4) > 200
    assert inked(one, 1) > 200 and inked(one, 4) < inked(both, 4) / 2


def test_the_strip_is_bright_where_seen_dim_where_interpolated_dark_where_absent() -> None:
    presence_N = np.repeat(np.array([2, 1, 0, 2], np.int8), 50)
    row = TrackRow(id=2, presence_N=presence_N, facts="", is_performer=False)
    seen = [FrameSeen(index=50, rgb_HW3=np.zeros((90, 160, 3), np.uint8), people=())]
    picture = draw_tracks(seen, [row], FRAMES, COCO_17)
    lines = [
        [tuple(pixel) for pixel in line[150:]]
        for line in picture
        if (line[160] == colour_of(2)).all()
    ]
    assert lines
    for line in lines:
        shades = [shade for shade in dict.fromkeys(line) if shade != PAPER]
        assert shades == [colour_of(2), faded(colour_of(2), 0.4), RULED]
        assert abs(line.count(colour_of(2)) - 2 * line.count(RULED)) <= 2


def test_more_ids_than_lines_are_told_of_and_ids_near_each_other_differ_in_colour() -> None:
    rows = [_row(number, (0, 200)) for number in range(1, 41)]
    seen = [FrameSeen(index=50, rgb_HW3=np.zeros((90, 160, 3), np.uint8), people=())]
    few = draw_tracks(seen, rows[:24], FRAMES, COCO_17)
    assert draw_tracks(seen, rows, FRAMES, COCO_17).shape == few.shape
    colours = np.array([colour_of(number) for number in range(1, 9)], np.float64)
    apart = np.linalg.norm(colours[:, None] - colours[None], axis=2) + 999 * np.eye(8)
    assert apart.min() > 40


def test_pictures_are_fitted_whole_and_tiled_in_order() -> None:
    panel, scale = fitted(np.full((50, 100, 3), 200, np.uint8), 60, 60)
    assert scale == 0.6 and (panel[:30] == 200).all() and (panel[30:] == PAPER).all()
    sheet = tiled([np.full((4, 5, 3), 10 * n, np.uint8) for n in range(3)], 2, gap_px=1)
    assert sheet.shape == (10, 11, 3)
    assert (sheet[0, 0, 0], sheet[0, 6, 0], sheet[5, 0, 0]) == (0, 10, 20)
