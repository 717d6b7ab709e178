from fractions import Fraction

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from bodyswap.errors import UsageError
from bodyswap.stage.mocap import JOINTS, load_motion, motion_names


@pytest.mark.parametrize("name", motion_names())
def test_every_clip_loads_with_unit_rotations_and_rising_time(name: str) -> None:
    motion = load_motion(name)
    assert len(motion) >= 20
    assert motion.time_T[0] == 0
    assert (np.diff(motion.time_T) > 0).all()
    np.testing.assert_allclose(np.linalg.norm(motion.rotation_TJ4, axis=2), 1, atol=1e-3)


def test_an_unknown_motion_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"'moonwalk' is unknown; known: .*cartwheel"):
        load_motion("moonwalk")


def test_resampling_keeps_both_ends_and_the_duration() -> None:
    motion = load_motion("walk")
    fine = motion.at_rate(Fraction(120))
    np.testing.assert_allclose(fine.root_T3[0], motion.root_T3[0])
    assert abs(fine.duration_s - motion.duration_s) < 1 / 120
    halfway = (motion.time_T[3] + motion.time_T[4]) / 2
    between = motion.at(np.array([halfway])).root_T3[0]
    np.testing.assert_allclose(between, (motion.root_T3[3] + motion.root_T3[4]) / 2)


def test_mirroring_twice_gives_the_motion_back_and_once_swaps_the_sides() -> None:
    motion = load_motion("kick")
    np.testing.assert_allclose(motion.mirrored().mirrored().rotation_TJ4, motion.rotation_TJ4)
    left, right = JOINTS.index("left_knee"), JOINTS.index("right_knee")
    bend = [
        Rotation.from_quat(one.rotation_TJ4[:, joint]).magnitude()
        for one, joint in ((motion, left), (motion.mirrored(), right))
    ]
    np.testing.assert_allclose(bend[0], bend[1], atol=1e-9)


def test_a_turned_motion_heads_elsewhere_at_the_same_height() -> None:
    motion = load_motion("run").turned(0.0)
    turned = motion.turned(np.pi / 2)
    np.testing.assert_allclose(turned.root_T3[:, 1], motion.root_T3[:, 1])
    np.testing.assert_allclose(
        np.ptp(turned.root_T3[:, 2]), np.ptp(motion.root_T3[:, 0]), atol=1e-6
    )
