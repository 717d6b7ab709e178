from dataclasses import replace

import numpy as np

from bodyswap.keypoints.appearance import APPEARANCE_VALUES, describe_people
from bodyswap.keypoints.evidence import look_distance
from bodyswap.skeleton import BODY_13, COCO_17, Floats
from bodyswap.stage.body import Performer
from bodyswap.stage.cast import REX, VEGA
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Light, Shot, StageFrame, film

SHOT = Shot(width=160, height=160)


def _frame(performer: Performer, at_s: float, shot: Shot = SHOT) -> StageFrame:
    return next(film(performer, load_motion("walk").at(np.array([at_s])), shot))


def _look(frame: StageFrame) -> Floats:
    return describe_people(frame.rgb_HW3, frame.keypoints_K2[None], frame.visible_K[None], COCO_17)[
        0
    ]


def test_a_person_looks_like_themselves_in_another_pose_and_light_and_not_like_another() -> None:
    dim = replace(SHOT, light=Light(towards=(-0.2, 0.9, 0.5), lamp=0.55, room=0.4))
    vega = _look(_frame(VEGA, 0.1))
    again, rex = _look(_frame(VEGA, 0.6, dim)), _look(_frame(REX, 0.1))
    assert look_distance(vega, rex) > 4 * look_distance(vega, again)
    assert look_distance(vega, again) < 3


def test_a_part_that_is_not_seen_has_no_colour_and_the_rest_keeps_its_own() -> None:
    frame = _frame(VEGA, 0.1)
    whole = _look(frame)
    unsure = frame.visible_K.copy()
    unsure[[COCO_17.joint("left_knee"), COCO_17.joint("right_knee")]] = 0.1
    part = describe_people(frame.rgb_HW3, frame.keypoints_K2[None], unsure[None], COCO_17)[0]
    assert np.isnan(part[12:]).all()
    np.testing.assert_array_equal(part[3:6], whole[3:6])


def test_a_head_without_eyes_and_ears_has_no_colour_and_the_rest_keeps_its_own() -> None:
    frame = _frame(VEGA, 0.1)
    joints = [COCO_17.joint(name) for name in BODY_13.joints]
    pose = frame.keypoints_K2[None, joints], frame.visible_K[None, joints]
    look = describe_people(frame.rgb_HW3, *pose, BODY_13)[0]
    assert np.isnan(look[:3]).all()
    np.testing.assert_array_equal(look[3:], _look(frame)[3:])


def test_what_lies_outside_the_frame_is_not_seen() -> None:
    frame = _frame(VEGA, 0.1)
    away = frame.keypoints_K2[None] + np.float32(500)
    look = describe_people(frame.rgb_HW3, away, frame.visible_K[None], COCO_17)
    assert look.shape == (1, APPEARANCE_VALUES) and np.isnan(look).all()


def test_nobody_has_no_looks() -> None:
    nobody = np.zeros((0, 17, 2), np.float32)
    look = describe_people(_frame(VEGA, 0.1).rgb_HW3, nobody, nobody[..., 0], COCO_17)
    assert look.shape == (0, APPEARANCE_VALUES) and look.dtype == np.float32
