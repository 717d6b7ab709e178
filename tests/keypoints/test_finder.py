from functools import cache

import numpy as np

from bodyswap.keypoints.estimator import PoseEstimator, build_estimator
from bodyswap.keypoints.finder import find_people, search_windows
from bodyswap.stage.cast import PERFORMERS
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Shot, empty_set, film


@cache
def _estimator() -> PoseEstimator:
    return build_estimator("rtmpose-t-bodyswap", "cpu")


def test_windows_cover_every_part_of_a_wide_frame() -> None:
    covered = np.zeros((90, 160), dtype=bool)
    for x0, y0, x1, y1 in search_windows(90, 160, 0.75):
        covered[max(0, int(y0)) : int(y1) + 1, max(0, int(x0)) : int(x1) + 1] = True
    assert covered.all()


def test_two_people_in_one_frame_are_both_found_where_they_stand() -> None:
    walk = load_motion("walk")
    frame = next(film(PERFORMERS["vega"], walk.at(np.array([0.3])), Shot()))
    wide = np.concatenate([frame.rgb_HW3, frame.rgb_HW3[:, ::-1]], axis=1)
    columns = np.nonzero((frame.matte_HW > 0.5).any(axis=0))[0]
    middle = (columns.min() + columns.max()) / 2
    found = find_people(wide, _estimator())
    centres = sorted((found.aims.box_M4[:, 0] + found.aims.box_M4[:, 2]) / 2)
    np.testing.assert_allclose(centres, [middle, 1023 - middle], atol=30)


def test_an_empty_set_holds_nobody() -> None:
    assert len(find_people(empty_set(Shot()), _estimator()).score_M) == 0
