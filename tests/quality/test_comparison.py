from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bodyswap.decode import decode
from bodyswap.frames import RGB
from bodyswap.media.check import check_delivery
from bodyswap.media.index import index_clip
from bodyswap.quality.comparison import Column, compare_rows, write_comparison
from tests.media.clips import steady

CAPTION_PX = 22


def _flat(colour: tuple[int, int, int], count: int, *, height: int, width: int) -> Iterator[RGB]:
    return (np.full((height, width, 3), colour, np.uint8) for _ in range(count))


def _columns(count: int) -> list[Column]:
    return [
        Column(caption="plate", pictures=_flat((200, 0, 0), count, height=97, width=131)),
        Column(caption="render", pictures=_flat((0, 0, 200), count, height=32, width=32)),
    ]


def _read(path: Path) -> RGB:
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_columns_stand_side_by_side_at_one_height() -> None:
    rows = list(compare_rows(_columns(3), height=64))
    assert [row.shape for row in rows] == [(64 + CAPTION_PX, 86 + 64, 3)] * 3
    assert rows[0][50, 10].tolist() == [200, 0, 0]
    assert rows[0][50, 140].tolist() == [0, 0, 200]


def test_every_column_has_its_caption() -> None:
    row = next(compare_rows(_columns(1), height=64))
    strip = row[:CAPTION_PX]
    for panel in (strip[:, :86], strip[:, 86:]):
        assert panel.max() > 150
        assert panel.min() < 40
    assert not np.array_equal(strip[:, :64], strip[:, 86:])


def test_columns_of_unequal_length_are_an_error() -> None:
    columns = [*_columns(3)[:1], *_columns(2)[1:]]
    with pytest.raises(ValueError, match="shorter"):
        list(compare_rows(columns, height=64))


def test_the_film_keeps_the_timeline_and_the_sheet_shows_frames_evenly(tmp_path: Path) -> None:
    timeline, film, sheet = steady(9, 16, first_pts=40), tmp_path / "c.mp4", tmp_path / "s.png"
    shades = (np.full((64, 64, 3), 20 * index, np.uint8) for index in range(9))
    rows = compare_rows([Column(caption="render", pictures=shades)], height=64)
    write_comparison(rows, film, timeline=timeline, sheet=sheet, sheet_rows=3)
    assert check_delivery(film, timeline).frame_count == 9
    clip = index_clip(film)
    (batch,) = decode(clip, clip.frames)
    assert abs(int(batch.rgb_NHW3[7, 50, 50, 0]) - 140) <= 3
    picture = _read(sheet)
    tall = 64 + 2 * CAPTION_PX
    assert picture.shape == (3 * tall, 64, 3)
    assert [int(picture[row * tall + 70, 30, 0]) for row in range(3)] == [0, 80, 160]


def test_a_shot_shorter_than_the_sheet_shows_each_frame_once(tmp_path: Path) -> None:
    rows = compare_rows(_columns(2), height=64)
    sheet = tmp_path / "s.png"
    write_comparison(rows, tmp_path / "c.mp4", timeline=steady(2), sheet=sheet, sheet_rows=8)
    assert _read(sheet).shape[0] == 2 * (64 + 2 * CAPTION_PX)


def test_the_pictures_are_streamed(tmp_path: Path) -> None:
    alive = []

    def counted() -> Iterator[RGB]:
        for index in range(12):
            alive.append(index)
            yield np.full((64, 64, 3), index, np.uint8)

    rows = compare_rows([Column(caption="plate", pictures=counted())], height=64)
    next(rows)
    next(rows)
    assert alive == [0, 1]
