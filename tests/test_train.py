"""Footage is split into what is trained on and what is only measured."""

import numpy as np
import pytest

from bodyswap.errors import UsageError
from bodyswap.timing import FrameRange
from bodyswap.train import held_out_range, split
from tests.training.subject_film import film


def test_taking_frames_out_of_the_middle_leaves_a_cut() -> None:
    footage = film(10)
    training, held_out = split(footage, FrameRange(start=4, stop=6))
    assert training.clip_starts == (0, 4) and len(training) == 8
    assert np.array_equal(training.rgb_NHW3[4], footage.rgb_NHW3[6])
    assert np.array_equal(training.poses.keypoints_NK2[4], footage.poses.keypoints_NK2[6])
    assert np.array_equal(held_out.rgb_NHW3, footage.rgb_NHW3[4:6])
    assert held_out.poses.frames == FrameRange(start=0, stop=2)


def test_cuts_that_were_there_are_kept() -> None:
    training, held_out = split(film(10, clip_starts=(0, 3, 8)), FrameRange(start=7, stop=10))
    assert training.clip_starts == (0, 3)
    assert held_out.clip_starts == (0, 1)


def test_the_last_tenth_is_kept_back_where_nothing_is_said() -> None:
    frames = FrameRange(start=100, stop=150)
    assert held_out_range(None, frames, 200) == FrameRange(start=145, stop=150)
    assert held_out_range("1111-1120", frames, 200) == FrameRange(start=110, stop=120)


@pytest.mark.parametrize("text", ["1091-1110", "1145-1160", "1101-1150"])
def test_held_out_frames_must_be_some_of_the_footage_and_not_all(text: str) -> None:
    with pytest.raises(UsageError, match="leave some to train on"):
        held_out_range(text, FrameRange(start=100, stop=150), 200)
