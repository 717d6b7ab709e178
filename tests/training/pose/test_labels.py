import numpy as np
import pytest

from bodyswap.skeleton import Floats
from bodyswap.training.pose.labels import agreement, split_held_out
from bodyswap.training.pose.measure import measure_pck, torso_lengths
from bodyswap.training.pose.samples import ABSENT, KNOWN, UNKNOWN, VIEW_SIDE, cut_sample
from bodyswap.training.pose.teachers import Guess, Region


def _standing() -> Floats:
    """Somebody upright whose torso's diagonal is 50 pixels."""
    keypoints = np.full((17, 2), 100, np.float32)
    keypoints[[5, 6]] = [[120, 100], [90, 100]]
    keypoints[[11, 12]] = [[120, 140], [90, 140]]
    return keypoints


def _guess(keypoints: Floats, confidence: float = 1.0) -> Guess:
    return Guess(keypoints_K2=keypoints, confidence_K=np.full(17, confidence, np.float32))


def test_a_joint_counts_only_where_both_teachers_are_sure_and_agree() -> None:
    first, other = _standing(), _standing()
    other[9] += [9, 0]
    other[10] += [11, 0]
    state = agreement(_guess(first), _guess(other))
    assert state[9] == KNOWN and state[10] == UNKNOWN and state[0] == KNOWN
    assert (agreement(_guess(first), _guess(other, 0.1)) == UNKNOWN).all()


def test_no_held_out_frame_has_a_trained_neighbour() -> None:
    frames = np.arange(300)
    trained, held = split_held_out(frames, 300, gap_frames=6)
    assert held.sum() == 60
    apart = np.abs(frames[trained][:, None] - frames[held][None])
    assert apart.min() == 7 and trained.sum() > 200


def test_a_sample_shows_the_person_and_marks_joints_beyond_the_frame() -> None:
    rgb = np.zeros((240, 320, 3), np.uint8)
    rgb[100, 120] = 255
    matte = np.zeros((240, 320), np.float32)
    matte[80:220, 70:140] = 1
    keypoints = _standing()
    keypoints[15] = [100, 260]
    sample = cut_sample(rgb, matte, keypoints, np.full(17, KNOWN, np.int8), 3)
    assert sample.state_NK[0, 15] == ABSENT and (np.delete(sample.state_NK[0], 15) == KNOWN).all()
    brightest = np.unravel_index(sample.rgb_NSS3[0, :, :, 0].argmax(), (VIEW_SIDE, VIEW_SIDE))
    np.testing.assert_allclose(sample.keypoints_NK2[0, 5], brightest[::-1], atol=1.5)


def test_pck_counts_joints_within_a_fifth_of_the_torso() -> None:
    truth = _standing()[None]
    assert torso_lengths(truth)[0] == pytest.approx(50)
    found = truth.copy()
    found[0, 0] += [9.9, 0]
    found[0, 1] += [10.1, 0]
    found[0, 2] += [500, 0]
    counted = np.ones((1, 17), dtype=bool)
    counted[0, 2] = False
    measured = measure_pck(found, truth, counted)
    assert measured.joints == 16 and measured.pck == pytest.approx(15 / 16)


def test_a_turned_region_lands_upright() -> None:
    """A region turned by a quarter puts what lies to its left at the top of the view."""
    region = Region(x=50, y=60, side=40, angle=-np.pi / 2)
    view = region.matrix(80) @ np.array([40, 60, 1])
    np.testing.assert_allclose(view, [40, 20], atol=1e-6)
