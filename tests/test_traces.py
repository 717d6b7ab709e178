"""Every frame of every kind of delivery is marked, by itself, wherever the shot was cut."""

from pathlib import Path

import numpy as np
import pytest

from bodyswap.composite import composite
from bodyswap.frames import RenderedFrame
from bodyswap.passes.traces import PRINT_EVERY, Traces
from bodyswap.rights.mark import DEMO_KEY, mark_of
from bodyswap.rights.watermark_reader import detect
from bodyswap.stage.cast import REX
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Shot, film

JOB = "0123456789abcdef"
MARK = mark_of(JOB, DEMO_KEY)


@pytest.fixture(scope="module")
def frames() -> list[RenderedFrame]:
    walk = film(REX, load_motion("walk"), Shot(width=512, height=384))
    filmed = [next(walk) for _ in range(3)]
    return [
        RenderedFrame(rgb_HW3=one.rgb_HW3, matte_HW=one.matte_HW.astype(np.float32), index=index)
        for index, one in enumerate(filmed)
    ]


def test_a_marked_frame_is_the_same_whatever_was_marked_before_it(
    frames: list[RenderedFrame],
) -> None:
    once, again = Traces(MARK), Traces(MARK)
    for frame in frames:
        again.on(frame.rgb_HW3, frame.index)
    for frame in reversed(frames):
        np.testing.assert_array_equal(
            once.on(frame.rgb_HW3, frame.index), again.on(frame.rgb_HW3, frame.index)
        )
    found = detect([once.on(frames[0].rgb_HW3, 0)], DEMO_KEY)
    assert found is not None and found.payload == MARK.payload


def test_a_subject_cut_out_holds_the_mark_and_the_background_does_not(
    frames: list[RenderedFrame],
) -> None:
    background = np.full_like(frames[0].rgb_HW3, 90)
    layers = Traces(MARK).on_layers(frames[0], background)
    assert layers.matte_HW is frames[0].matte_HW
    over = composite(layers, background)
    clear = layers.matte_HW == 0
    np.testing.assert_array_equal(over[clear], background[clear])
    assert (over[~clear] != composite(frames[0], background)[~clear]).mean() > 0.3


def test_prints_are_of_the_plates_key_frames_however_it_is_cut(
    frames: list[RenderedFrame],
) -> None:
    picture = frames[0].rgb_HW3
    whole, first, second = Traces(), Traces(MARK), Traces(MARK)
    for index in range(2 * PRINT_EVERY + 1):
        whole.on(picture, index)
        (first if index < 30 else second).on(picture, index)
    assert len(whole.prints) == 3
    assert whole.prints == first.prints + second.prints


def test_without_a_mark_or_a_label_a_picture_is_left_as_it_is(
    frames: list[RenderedFrame], tmp_path: Path
) -> None:
    assert Traces().on(frames[0].rgb_HW3, 0) is frames[0].rgb_HW3
    assert (Traces(label="AI-generated").on(frames[0].rgb_HW3, 0) != frames[0].rgb_HW3).any()
