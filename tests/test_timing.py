from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodyswap.errors import UsageError
from bodyswap.timing import FrameRange, Timeline, parse_frame_range


def test_inclusive_text_becomes_a_half_open_range_counted_from_1001() -> None:
    assert parse_frame_range("1001-1040", 100) == FrameRange(start=0, stop=40)
    assert parse_frame_range(" 1003 ", 100) == FrameRange(start=2, stop=3)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1-40", "1001-1100"),
        ("1001-1101", "1001-1100"),
        ("1040-1001", "backwards"),
        ("ten", "1001-1040"),
    ],
)
def test_frames_the_plate_lacks_are_refused_with_those_it_has(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_frame_range(text, 100)


@given(st.integers(0, 500), st.integers(1, 500))
def test_a_range_reads_back_from_its_own_text(start: int, length: int) -> None:
    frames = FrameRange(start=start, stop=start + length)
    assert parse_frame_range(str(frames), 1000) == frames


def test_warm_up_stops_at_the_first_frame() -> None:
    assert FrameRange(start=3, stop=9).with_warm_up(8) == FrameRange(start=0, stop=9)
    assert FrameRange(start=30, stop=39).with_warm_up(8) == FrameRange(start=22, stop=39)


def test_a_timeline_tells_variable_rate_from_rounded_ticks() -> None:
    rate = Fraction(24)
    rounded = Timeline(pts=(0, 42, 83, 125), time_base=Fraction(1, 1000), rate=rate)
    assert not rounded.is_variable_rate
    assert Timeline(pts=(0, 42, 125), time_base=Fraction(1, 1000), rate=rate).is_variable_rate
    assert rounded.cut(FrameRange(start=1, stop=3)).pts == (42, 83)


def test_a_timeline_that_does_not_rise_is_refused() -> None:
    with pytest.raises(ValueError, match="rise"):
        Timeline(pts=(0, 5, 5), time_base=Fraction(1, 30), rate=Fraction(30))
