import numpy as np
import pytest

from bodyswap.training.pose.mining import Difficulty

COUNT = 5
HARD = 3


def _learned(error: float) -> Difficulty:
    """Everything learned well but one sample, whose error stays as it is."""
    difficulty = Difficulty(COUNT)
    for _ in range(8):
        for index in range(COUNT):
            difficulty.learn(index, error if index == HARD else 0.02)
    return difficulty


def _share_of_hard(difficulty: Difficulty, mined: float) -> float:
    places = (np.arange(1000) + 0.5) / 1000
    return float(np.mean([difficulty.draw(place, mined=mined) == HARD for place in places]))


def test_before_anything_is_learned_all_samples_are_drawn_alike() -> None:
    assert _share_of_hard(Difficulty(COUNT), mined=0.5) == pytest.approx(1 / COUNT, abs=0.01)


def test_a_sample_the_model_gets_wrong_is_drawn_more_often() -> None:
    mild, bad = (_share_of_hard(_learned(error), mined=0.5) for error in (0.1, 0.9))
    assert 1 / COUNT + 0.05 < mild < bad
    assert bad == pytest.approx(0.5 / COUNT + 0.5 * 0.9 / (0.9 + 4 * 0.02), abs=0.03)


def test_without_a_mined_share_errors_change_nothing() -> None:
    assert _share_of_hard(_learned(0.9), mined=0.0) == pytest.approx(1 / COUNT)


def test_every_sample_keeps_its_part_of_the_even_share() -> None:
    places = (np.arange(1000) + 0.5) / 1000
    drawn = [_learned(1.0).draw(place, mined=0.5) for place in places]
    assert np.bincount(drawn, minlength=COUNT).min() >= 0.5 / COUNT * 1000 - 1


def test_one_lucky_crop_does_not_make_a_sample_easy() -> None:
    difficulty = _learned(0.8)
    difficulty.learn(HARD, 0.0)
    assert 0.3 < float(difficulty.state[HARD]) < 0.5
