import numpy as np

from bodyswap.stage.mocap import motion_names
from bodyswap.training.pose.samples import KNOWN, Samples
from bodyswap.training.pose.staged import (
    AS_CAPTURED,
    HELD_OUT_MOTIONS,
    Variety,
    stage_samples,
    training_motions,
)

COUNT = 24
HIPS, NOSE = [11, 12], 0


def _views(variety: Variety, seed: int = 7) -> Samples:
    return Samples.joined(list(stage_samples(COUNT, seed, ("walk",), variety)))


def _inverted(samples: Samples) -> int:
    """How many have their head below their hips."""
    head_N, hips_N = samples.keypoints_NK2[:, NOSE, 1], samples.keypoints_NK2[:, HIPS, 1].mean(1)
    return int((head_N > hips_N).sum())


def test_held_out_motions_are_not_trained_on() -> None:
    assert set(training_motions()) == set(motion_names()) - set(HELD_OUT_MOTIONS)


def test_the_same_seed_gives_the_same_people() -> None:
    first, again, other = (_views(AS_CAPTURED, seed) for seed in (7, 7, 8))
    assert np.array_equal(first.rgb_NSS3, again.rgb_NSS3)
    assert not np.array_equal(first.keypoints_NK2, other.keypoints_NK2)


def test_a_walk_is_upright_as_captured_and_upside_down_when_tumbling() -> None:
    tumbling = Variety(loosest=0.0, mixed_share=0.0, tumbled_share=1.0)
    assert _inverted(_views(AS_CAPTURED)) == 0
    assert COUNT // 4 < _inverted(_views(tumbling)) < COUNT


def test_every_joint_inside_the_picture_is_known_and_lies_in_the_box() -> None:
    samples = _views(Variety(tumbled_share=0.5))
    known_NK = samples.state_NK == KNOWN
    assert known_NK.mean() > 0.9
    low_N12, high_N12 = samples.box_N4[:, None, :2], samples.box_N4[:, None, 2:]
    places_NK2 = samples.keypoints_NK2
    inside_NK = ((places_NK2 >= low_N12 - 0.5) & (places_NK2 <= high_N12 + 0.5)).all(axis=2)
    assert inside_NK[known_NK].all()
