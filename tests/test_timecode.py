from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentimelineio.opentime import RationalTime

from bodyswap.errors import UsageError
from bodyswap.timecode import Timecode

FILM, NTSC, NTSC_60 = Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)
RATES = [
    (Fraction(24), False), (FILM, False), (Fraction(25), False), (NTSC, False), (NTSC, True),
    (Fraction(30), False), (Fraction(50), False), (NTSC_60, False), (NTSC_60, True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "rate", "after"),
    [
        ("00:00:59;29", NTSC, "00:01:00;02"),
        ("00:09:59;29", NTSC, "00:10:00;00"),
        ("00:00:59;59", NTSC_60, "00:01:00;04"),
        ("00:00:59:29", NTSC, "00:01:00:00"),
        ("01:00:00:23", FILM, "01:00:01:00"),
        ("23:59:59:24", Fraction(25), "00:00:00:00"),
        ("23:59:59;29", NTSC, "00:00:00;00"),
    ],
)
def test_the_next_frames_name(before: str, rate: Fraction, after: str) -> None:
    assert str(Timecode.parse(before, rate) + 1) == after


@pytest.mark.parametrize(
    ("text", "rate", "frame"),
    [
        ("01:00:00;00", NTSC, 107892),
        ("00:10:00;00", NTSC, 17982),
        ("01:00:00:00", NTSC, 108000),
        ("01:00:00;00", NTSC_60, 215784),
        ("01:00:00:00", FILM, 86400),
        ("10:11:12.13", NTSC, 1099073),
    ],
)
def test_names_count_frames_as_the_standard_says(text: str, rate: Fraction, frame: int) -> None:
    assert Timecode.parse(text, rate).frame == frame


def test_drop_frame_names_keep_up_with_the_clock() -> None:
    hour = Timecode.parse("01:00:00;00", NTSC)
    assert abs(hour.frame / NTSC - 3600) < Fraction(1, 100)


@given(rate=st.sampled_from(RATES), frame=st.integers(0, 3_000_000))
def test_a_name_read_again_is_the_same_frame(rate: tuple[Fraction, bool], frame: int) -> None:
    code = Timecode(frame=frame, rate=rate[0], is_drop_frame=rate[1])
    assert Timecode.parse(str(code), rate[0]) == code


@given(rate=st.sampled_from(RATES), frame=st.integers(0, 2_000_000))
def test_an_editors_library_gives_the_same_names(rate: tuple[Fraction, bool], frame: int) -> None:
    code = Timecode(frame=frame, rate=rate[0], is_drop_frame=rate[1])
    theirs = RationalTime(code.frame, float(rate[0])).to_timecode(float(rate[0]), rate[1])
    assert str(code) == theirs


@pytest.mark.parametrize(
    ("text", "rate", "complaint"),
    [
        ("00:01:00;00", NTSC, "skips that name"),
        ("00:11:00;03", NTSC_60, "skips that name"),
        ("00:00:00;00", FILM, "does not exist"),
        ("00:00:00:24", FILM, "no frame is called"),
        ("24:00:00:00", FILM, "no frame is called"),
        ("noon", FILM, "not a timecode"),
    ],
)
def test_what_names_no_frame_is_refused(text: str, rate: Fraction, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        Timecode.parse(text, rate)
