import numpy as np
import pytest

from bodyswap.skeleton import COCO_17
from bodyswap.stage.cast import REX, VEGA
from bodyswap.stage.ensemble import EnsembleFrame, Role, film_together
from bodyswap.stage.mocap import Motion, load_motion
from bodyswap.stage.render import Shot, empty_set, film

SHOT = Shot(width=128, height=128)


def _instants(count: int) -> Motion:
    motion = load_motion("walk").turned(np.pi / 2)
    return motion.at(np.linspace(0.2, 0.8, count))


def _both(near_m: float, far_m: float, apart_m: float = 0.0) -> EnsembleFrame:
    near = Role(performer=REX, motion=_instants(1), offset_m=(near_m, apart_m))
    far = Role(performer=VEGA, motion=_instants(1), offset_m=(far_m, -apart_m))
    return next(film_together([far, near], SHOT))


def test_one_performer_alone_is_filmed_to_the_same_bytes_as_ever() -> None:
    motion = _instants(2)
    together = film_together([Role(performer=VEGA, motion=motion)], SHOT)
    for alone, frame in zip(film(VEGA, motion, SHOT), together, strict=True):
        (person,) = frame.people
        assert frame.rgb_HW3.tobytes() == alone.rgb_HW3.tobytes()
        assert frame.depth_HW.tobytes() == alone.depth_HW.tobytes()
        assert person.matte_HW.tobytes() == alone.matte_HW.tobytes()
        assert person.keypoints_K2.tobytes() == alone.keypoints_K2.tobytes()
        assert person.visible_K.tobytes() == alone.visible_K.tobytes()


def test_the_nearer_hides_the_farther_whatever_the_order_of_the_cast() -> None:
    far, near = _both(near_m=0.8, far_m=-0.8).people
    assert near.matte_HW.sum() > 3 * far.matte_HW.sum()
    torso = [COCO_17.joint(name) for name in ("right_shoulder", "right_elbow")]
    assert (near.visible_K[torso] > 0).all() and (far.visible_K[torso] == 0).all()
    first, second = _both(near_m=-0.8, far_m=0.8).people
    assert first.matte_HW.sum() > 3 * second.matte_HW.sum()
    assert (first.visible_K[torso] > 0).all() and (second.visible_K[torso] == 0).all()


def test_mattes_share_out_the_pixels_and_depth_is_the_nearest() -> None:
    frame = _both(near_m=0.4, far_m=-0.4, apart_m=0.15)
    total = np.sum([person.matte_HW for person in frame.people], axis=0)
    assert total.max() <= 1 + 1e-6
    assert (np.isfinite(frame.depth_HW) <= (total > 0)).all()
    far, near = (person.matte_HW > 0.9 for person in frame.people)
    assert frame.depth_HW[near].max() < frame.depth_HW[far].min()


def test_people_apart_are_both_seen_and_cast_a_shadow_each() -> None:
    frame = _both(near_m=0.0, far_m=0.0, apart_m=0.8)
    assert all(person.visible_K.sum() >= 8 for person in frame.people)
    total = np.sum([person.matte_HW for person in frame.people], axis=0)
    darker = (empty_set(SHOT).astype(int) - frame.rgb_HW3).sum(axis=2) * (total == 0) > 30
    assert darker[:, :64].sum() > 20 and darker[:, 64:].sum() > 20


def test_a_shorter_motion_holds_its_last_pose() -> None:
    cast = [Role(performer=REX, motion=_instants(1)), Role(performer=VEGA, motion=_instants(2))]
    frames = list(film_together(cast, Shot(width=32, height=32)))
    assert len(frames) == 2
    held = [frame.people[0].keypoints_K2 for frame in frames]
    np.testing.assert_array_equal(held[0], held[1])


def test_a_walk_that_goes_on_walks_on() -> None:
    once, thrice = load_motion("walk"), load_motion("walk").going_on(3)
    step = once.root_T3[-1, 0] - once.root_T3[0, 0]
    assert thrice.root_T3[-1, 0] - thrice.root_T3[0, 0] == pytest.approx(3 * step)
    assert (np.diff(thrice.time_T) > 0).all()


def test_a_shot_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="nobody was cast"):
        next(film_together([], SHOT))
