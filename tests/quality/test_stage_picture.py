import numpy as np

from bodyswap.quality.stage_picture import around


def test_the_cut_is_a_square_with_the_person_in_its_middle() -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    matte = np.zeros((100, 100), np.float32)
    picture[40:60, 45:55], matte[40:60, 45:55] = 255, 1
    cut = around(picture, matte)
    assert cut.shape == (26, 26, 3)
    assert cut[13, 13].all() and not cut[:3].any() and not cut[-3:].any()


def test_a_person_at_the_edge_is_cut_inside_the_picture_and_nobody_is_not_cut() -> None:
    picture = np.zeros((80, 100, 3), np.uint8)
    matte = np.zeros((80, 100), np.float32)
    picture[70:80, :10], matte[70:80, :10] = 255, 1
    cut = around(picture, matte)
    assert cut.shape == (13, 13, 3) and cut[-1, 0].all()
    assert around(picture, matte * 0) is picture
    assert around(picture, np.ones_like(matte)).shape == (80, 80, 3)
