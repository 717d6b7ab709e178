import numpy as np
import pytest

from bodyswap.skeleton import COCO_17
from bodyswap.stage.backdrop import Studio
from bodyswap.stage.body import contact_points
from bodyswap.stage.camera import Camera
from bodyswap.stage.cast import REX, VEGA, random_performer
from bodyswap.stage.mocap import Motion, load_motion
from bodyswap.stage.render import Shot, empty_set, film, render_performance, stand

SHOT = Shot(width=128, height=128)


def _instants(name: str, count: int, yaw: float = 0.0) -> Motion:
    motion = load_motion(name).turned(yaw)
    return motion.at(np.linspace(0, motion.duration_s, count))


@pytest.mark.parametrize("name", ["cartwheel", "backflip", "walk"])
def test_visible_joints_lie_on_the_performer(name: str) -> None:
    performance = render_performance(REX, _instants(name, 5, yaw=0.4), SHOT)
    on_body = 0
    for matte, points, visible in zip(
        performance.matte_NHW, performance.keypoints_NK2, performance.visible_NK, strict=True
    ):
        near = np.pad(matte, 2).copy()
        for x, y in points[visible > 0]:
            row, column = round(float(y)) + 2, round(float(x)) + 2
            on_body += near[row - 2 : row + 3, column - 2 : column + 3].max() > 0.5
    assert on_body >= 0.97 * performance.visible_NK.sum()
    assert performance.visible_NK.mean() > 0.5


def test_someone_facing_the_camera_has_their_left_on_the_pictures_right() -> None:
    front = render_performance(VEGA, _instants("walk", 3), SHOT)
    left, right = COCO_17.joint("left_shoulder"), COCO_17.joint("right_shoulder")
    assert (front.keypoints_NK2[:, left, 0] > front.keypoints_NK2[:, right, 0]).all()
    assert (front.visible_NK[:, COCO_17.joint("nose")] == 1).all()
    back = render_performance(VEGA, _instants("walk", 3, yaw=np.pi), SHOT)
    assert (back.keypoints_NK2[:, left, 0] < back.keypoints_NK2[:, right, 0]).all()
    assert (back.visible_NK[:, COCO_17.joint("nose")] == 0).all()


@pytest.mark.parametrize("performer", [REX, VEGA])
def test_feet_stand_on_the_floor_and_leave_it_in_a_flip(performer: object) -> None:
    assert performer in (REX, VEGA)
    who = REX if performer is REX else VEGA
    points = contact_points(who.parts())
    walking = stand(who, _instants("walk", 12)).lowest_y(*points)
    assert (np.abs(walking) < 0.03).all()
    flying = stand(who, _instants("backflip", 12)).lowest_y(*points)
    assert flying.max() > 0.25
    assert flying.min() > -0.001


def test_an_instant_stands_where_it_does_within_the_whole_motion() -> None:
    motion = load_motion("backflip").turned(0.0)
    whole = stand(VEGA, motion).origin_TJ3[12]
    alone = stand(VEGA, motion.at(motion.time_T[12:13])).origin_TJ3[0]
    np.testing.assert_allclose(alone, whole, atol=1e-6)


def test_two_performers_in_one_motion_differ_in_build() -> None:
    rex, vega = (render_performance(who, _instants("walk", 1), SHOT) for who in (REX, VEGA))
    tall = [np.ptp(one.keypoints_NK2[0, :, 1]) for one in (rex, vega)]
    assert tall[0] > 1.08 * tall[1]
    assert not np.array_equal(rex.rgb_NHW3, vega.rgb_NHW3)


def test_the_same_performance_is_filmed_to_the_same_bytes() -> None:
    first, second = (render_performance(VEGA, _instants("spin", 2), SHOT) for _ in range(2))
    assert first.rgb_NHW3.tobytes() == second.rgb_NHW3.tobytes()
    assert first.depth_NHW.tobytes() == second.depth_NHW.tobytes()


def test_the_matte_is_soft_and_the_set_is_untouched_far_from_the_performer() -> None:
    frame = next(film(VEGA, _instants("walk", 1), SHOT))
    soft = (frame.matte_HW > 0) & (frame.matte_HW < 1)
    assert 50 < soft.sum() < frame.matte_HW.size / 10
    assert np.isfinite(frame.depth_HW[frame.matte_HW == 1]).all()
    np.testing.assert_array_equal(frame.rgb_HW3[:20], empty_set(SHOT)[:20])


def test_the_performer_casts_a_shadow_on_the_floor() -> None:
    frame = next(film(VEGA, _instants("walk", 1), SHOT))
    empty = empty_set(SHOT).astype(int)
    beside = frame.matte_HW == 0
    darker = (empty - frame.rgb_HW3)[beside].sum(axis=1)
    assert (darker > 30).sum() > 40
    assert darker.min() >= 0


def test_a_picture_can_stand_in_for_the_painted_set() -> None:
    picture = np.full((40, 40, 3), (10, 200, 30), np.uint8)
    shot = Shot(width=64, height=64, studio=Studio(picture=picture))
    assert (empty_set(shot) == (10, 200, 30)).all()


def test_a_nearer_camera_sees_a_larger_performer() -> None:
    near = Shot(width=128, height=128, camera=Camera(position=(4.0, 1.2, 0.0)))
    far = render_performance(REX, _instants("walk", 1), SHOT)
    close = render_performance(REX, _instants("walk", 1), near)
    assert close.matte_NHW.sum() > 1.5 * far.matte_NHW.sum()
    assert close.depth_NHW.min() < far.depth_NHW.min()


def test_random_performers_repeat_with_their_seed_and_differ_between_seeds() -> None:
    one, same, other = (random_performer(np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert one == same
    assert one != other
    assert next(film(other, _instants("jump", 1), SHOT)).matte_HW.max() == 1
