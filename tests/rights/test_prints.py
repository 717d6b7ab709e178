"""Prints of pictures find a shot again after coding and scaling, and take no other for it."""

import cv2
import numpy as np

from bodyswap.frames import RGB
from bodyswap.rights.prints import likeness, print_of


def _scenes(seed: int, count: int = 5) -> list[RGB]:
    chance = np.random.default_rng(seed)
    coarse = chance.integers(20, 230, (count, 9, 16, 3), np.uint8)
    return [cv2.resize(one, (320, 180), interpolation=cv2.INTER_CUBIC) for one in coarse]


def _spoilt(picture: RGB) -> RGB:
    half = cv2.resize(picture, None, fx=0.5, fy=0.5)
    _, data = cv2.imencode(".jpg", cv2.convertScaleAbs(half, alpha=1.1, beta=-8), [1, 40])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def test_a_coded_scaled_graded_part_of_a_shot_is_like_it_and_like_no_other() -> None:
    shot = [print_of(picture) for picture in _scenes(1)]
    part = [print_of(_spoilt(picture)) for picture in _scenes(1)[1:3]]
    other = [print_of(picture) for picture in _scenes(2)]
    assert likeness(part, shot).is_match
    assert not likeness(part, other).is_match
    assert likeness(part, shot).distance_bits < 30 < 80 < likeness(part, other).distance_bits
