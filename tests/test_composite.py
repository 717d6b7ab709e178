import numpy as np

from bodyswap.composite import composite, cut_out
from bodyswap.frames import RenderedFrame

RANDOM = np.random.default_rng(5)
COLOUR = RANDOM.integers(1, 256, (6, 8, 3)).astype(np.uint8)
MATTE = np.linspace(0, 1, 48, dtype=np.float32).reshape(6, 8)
MATTE[:, :3] = 0
FRAME = RenderedFrame(rgb_HW3=COLOUR, matte_HW=MATTE, index=0)


def test_the_background_stays_to_the_bit_where_the_matte_is_zero() -> None:
    background = RANDOM.integers(0, 256, (6, 8, 3)).astype(np.uint8)
    np.testing.assert_array_equal(composite(FRAME, background)[:, :3], background[:, :3])


def test_a_cut_out_over_the_background_is_the_composite() -> None:
    background = RANDOM.integers(0, 256, (6, 8, 3)).astype(np.uint8)
    cut = cut_out(FRAME).astype(float)
    alpha = cut[:, :, 3:] / 255
    over = cut[:, :, :3] * alpha + background * (1 - alpha)
    assert np.abs(over - composite(FRAME, background)).max() <= 1.01


def test_a_cut_out_is_black_where_nobody_is() -> None:
    assert not cut_out(FRAME)[:, :3].any()
    np.testing.assert_array_equal(cut_out(FRAME)[5, 7], [*COLOUR[5, 7], 255])
