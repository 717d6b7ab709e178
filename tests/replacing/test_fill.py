"""What no frame saw is filled in: smooth sets without a seam, textured ones with their texture."""

import numpy as np
import pytest

from bodyswap.frames import RGB
from bodyswap.replacing.fill import filled

SIDE = 120
HOLE = (slice(40, 80), slice(44, 76))


def _grass() -> RGB:
    """Blades of many lengths and shades, the same along the picture."""
    random = np.random.default_rng(7)
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    for _ in range(2500):
        row, column = random.integers(0, SIDE, 2)
        length = int(random.integers(3, 9))
        shade = int(random.integers(0, 120))
        picture[row : row + length, column] = (shade // 2, 90 + shade, shade // 3)
    return picture


def _slope() -> RGB:
    """A wall that grows lighter to the right, with grain."""
    grain = np.random.default_rng(8).normal(0, 1.5, (SIDE, SIDE, 3))
    return np.rint(np.linspace(90, 160, SIDE)[None, :, None] + grain).astype(np.uint8)


def _detail(picture: RGB) -> float:
    return float(np.abs(np.diff(picture[HOLE].astype(int), axis=1)).mean())


@pytest.mark.parametrize("set_HW3", [_grass(), _slope()])
def test_a_hole_looks_like_what_is_around_it(set_HW3: RGB) -> None:
    seen_HW = np.ones((SIDE, SIDE), np.bool_)
    seen_HW[HOLE] = False
    torn_HW3 = np.where(seen_HW[..., None], set_HW3, 0).astype(np.uint8)
    whole_HW3 = filled(torn_HW3, seen_HW)
    np.testing.assert_array_equal(whole_HW3[seen_HW], set_HW3[seen_HW])
    np.testing.assert_array_equal(whole_HW3, filled(torn_HW3, seen_HW))
    # A smear of the grass has a third of its detail.
    assert _detail(whole_HW3) > 0.6 * _detail(set_HW3) or _detail(set_HW3) < 5
    means = [picture[HOLE].reshape(-1, 3).mean(axis=0) for picture in (whole_HW3, set_HW3)]
    np.testing.assert_allclose(*means, atol=25)


def test_a_smooth_set_is_filled_without_a_seam() -> None:
    set_HW3, seen_HW = _slope(), np.ones((SIDE, SIDE), np.bool_)
    seen_HW[HOLE] = False
    whole_HW3 = filled(np.where(seen_HW[..., None], set_HW3, 0).astype(np.uint8), seen_HW)
    off_HW = np.abs(whole_HW3.astype(int) - set_HW3).mean(axis=2)
    assert off_HW[HOLE].mean() < 3 and off_HW[HOLE].max() < 16


def test_nothing_is_filled_where_all_was_seen() -> None:
    set_HW3 = _grass()
    np.testing.assert_array_equal(filled(set_HW3, np.ones((SIDE, SIDE), np.bool_)), set_HW3)
    nothing = filled(np.zeros_like(set_HW3), np.zeros((SIDE, SIDE), np.bool_))
    assert nothing.shape == set_HW3.shape
