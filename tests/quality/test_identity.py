import numpy as np
import pytest

from bodyswap.quality.identity import NOBODY, score_identities


def test_perfect_tracks_score_one_whatever_their_numbers() -> None:
    score = score_identities(np.array([0, 1, 0, 1]), np.array([7, 3, 7, 3]), appearances=4)
    assert (score.switches, score.purity, score.idf1) == (0, 1.0, 1.0)


def test_a_swap_halfway_is_a_switch_for_each_person_and_halves_purity() -> None:
    person = np.array([0, 1] * 10)
    track = np.where(np.arange(20) < 10, person, 1 - person)
    score = score_identities(person, track, appearances=20)
    assert (score.switches, score.purity, score.idf1) == (2, 0.5, 0.5)


def test_a_track_broken_in_two_is_pure_but_a_switch() -> None:
    score = score_identities(np.zeros(10, np.int64), np.repeat([1, 2], 5), appearances=10)
    assert (score.switches, score.purity) == (1, 1.0)
    assert score.idf1 == pytest.approx(0.5)


def test_people_not_tracked_lower_idf1_only() -> None:
    track = np.array([1, NOBODY, 1, NOBODY])
    score = score_identities(np.zeros(4, np.int64), track, appearances=4)
    assert (score.switches, score.purity) == (0, 1.0)
    assert score.idf1 == pytest.approx(2 * 2 / 6)
