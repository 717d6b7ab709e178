from fractions import Fraction

import numpy as np
import pytest

from bodyswap.quality.slate import (
    SLATE_HEIGHT_PX,
    SLATE_WIDTH_PX,
    FrameNames,
    burn_in,
    burnt,
    contact_sheet,
    draw_slate,
)
from bodyswap.timecode import Timecode
from tests.media.clips import pictures

NAMES = FrameNames(
    first_number=1001, first_timecode=Timecode.parse("00:00:59;28", Fraction(30000, 1001))
)


def test_a_frame_is_called_by_its_number_and_timecode() -> None:
    assert NAMES.of(2) == "1003   00:01:00;02"
    assert FrameNames(first_number=1001).of(2) == "1003"


def test_the_name_is_burnt_in_at_the_foot_and_nothing_else_is_touched() -> None:
    picture = np.full((360, 640, 3), 200, np.uint8)
    marked = burnt(picture, NAMES.of(0))
    changed = (marked != picture).any(axis=2)
    rows, columns = np.where(changed)
    assert rows.min() > 320
    assert columns.max() < 320
    assert changed[rows.min() :, : columns.max() + 1].all()
    assert marked[changed].max() > 220  # letters
    assert (picture == 200).all()


def test_each_frame_has_its_own_name() -> None:
    flat = [np.full((180, 320, 3), 128, np.uint8)] * 3
    one, two, three = burn_in(flat, NAMES)
    assert (one != two).any()
    assert (two != three).any()
    np.testing.assert_array_equal(two, burnt(flat[0], "1002   00:00:59;29"))


@pytest.mark.parametrize(("count", "panels"), [(1, 1), (7, 7), (20, 20), (300, 20)])
def test_a_contact_sheet_spreads_over_the_whole_shot(count: int, panels: int) -> None:
    shades = np.linspace(40, 250, count).round().astype(int)
    shot = (np.full((90, 160, 3), shade, np.uint8) for shade in shades)
    sheet = contact_sheet(shot, count, NAMES)
    heights, widths = 180 + 6, 320 + 6
    corners = [
        int(sheet[place // 5 * heights + 4, place % 5 * widths + 4, 0]) for place in range(panels)
    ]
    expected = shades[np.linspace(0, count - 1, panels).round().astype(int)]
    assert corners == expected.tolist()


def test_a_slate_is_lettered_and_shows_the_shot() -> None:
    shot = pictures(3, width=160, height=90)
    slate = draw_slate("SHOT_0010_comp_v003", [("subject", "vega"), ("frames", "1001-1100")], shot)
    assert slate.shape == (SLATE_HEIGHT_PX, SLATE_WIDTH_PX, 3)
    assert slate[40:100, 40:600].max() > 220
    assert len({tuple(colour) for colour in slate[-60, ::20]}) >= 7
    without = draw_slate("SHOT_0010_comp_v003", [("subject", "vega")], shot)
    changed = np.where((slate != without).any(axis=2))
    assert changed[1].max() < 800


def test_a_long_value_does_not_run_into_the_pictures() -> None:
    shot = pictures(3, width=160, height=90)
    long = draw_slate("a", [("plate", "take_" * 60 + ".mov")], shot)
    short = draw_slate("a", [("plate", "take.mov")], shot)
    np.testing.assert_array_equal(long[:, 800:], short[:, 800:])
