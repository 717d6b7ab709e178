import numpy as np
import pytest

from bodyswap.frames import RGB
from bodyswap.quality.metrics import FrameQuality, compare
from bodyswap.quality.motion import MotionMeter
from tests.quality.scenes import brightened, panned, walked


def _mean(rendered: list[RGB], reference: list[RGB]) -> FrameQuality:
    return compare(rendered, reference).mean


def test_a_texture_that_moves_as_the_reference_does_has_next_to_no_warping_error() -> None:
    other = panned(5, seed=9)
    mean = _mean(other, panned(5))
    assert mean.warping_error is not None and mean.change is not None
    assert mean.change > 10
    assert mean.warping_error < 1


def test_a_texture_that_stays_while_the_reference_moves_has_warping_error_and_tof() -> None:
    moving = panned(5)
    mean = _mean([moving[0]] * 5, moving)
    assert mean.warping_error is not None and mean.reference_warping_error is not None
    assert mean.warping_error > 10 > 1 > mean.reference_warping_error
    assert mean.tof_px == pytest.approx(2, abs=0.2)


def test_tof_is_how_much_faster_the_render_moves() -> None:
    assert _mean(panned(5, step=5), panned(5)).tof_px == pytest.approx(3, abs=0.3)
    assert _mean(panned(5), panned(5)).tof_px == 0


def test_injected_flicker_shows_by_its_size_and_not_in_the_reference() -> None:
    reference = walked(6)
    flickering = _mean(brightened(reference, 12), reference)
    assert flickering.flicker == pytest.approx(12, abs=0.01)
    assert flickering.reference_flicker == pytest.approx(0, abs=0.01)
    assert _mean(reference, reference).flicker == pytest.approx(0, abs=0.01)


def test_what_moves_in_the_reference_is_no_flicker() -> None:
    reference = walked(6)
    elsewhere = [picture.copy() for picture in reference]
    rng = np.random.default_rng(2)
    for index, picture in enumerate(elsewhere):
        left = 8 + 3 * index
        picture[30:70, left : left + 24] = rng.integers(0, 255, (40, 24, 3))
    mean = _mean(elsewhere, reference)
    assert mean.flicker == pytest.approx(0, abs=0.3)
    assert mean.change is not None and mean.change > 3


def test_without_a_still_background_no_flicker_is_told() -> None:
    assert _mean(panned(4), panned(4)).flicker is None


def test_nothing_is_measured_in_the_first_frame_nor_across_a_cut() -> None:
    reference = [*walked(3), *panned(3)]
    cut = compare(reference, reference, clip_starts=(0, 3))
    assert [frame.change is None for frame in cut.frames] == [True, False, False] * 2
    joined = compare(reference, reference)
    assert [frame.change is None for frame in joined.frames] == [True] + [False] * 5


def test_pictures_too_small_for_flow_have_no_scores_over_time() -> None:
    meter, tiny = MotionMeter(), np.zeros((11, 40, 3), np.uint8)
    assert [meter.measure(tiny, tiny) for _ in range(2)] == [None, None]
