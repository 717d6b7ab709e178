"""Footage is prepared so that person, pose and background agree."""

from fractions import Fraction

import numpy as np
import pytest

from bodyswap.errors import PlateError
from bodyswap.frames import FrameBatch
from bodyswap.people import PoseSequence
from bodyswap.skeleton import COCO_WHOLEBODY_133
from bodyswap.timing import FrameRange
from bodyswap.training.footage import (
    SubjectFootage,
    fit_part,
    join_parts,
    person_regions,
    scale_poses,
)
from tests.training.subject_film import film, standing_poses
from tests.whole_people import as_skeleton


def _batch(rgb: np.ndarray, first: int = 0) -> FrameBatch:
    pts = tuple(range(first, first + len(rgb)))
    return FrameBatch(rgb_NHW3=rgb, pts=pts, first_index=first, time_base=Fraction(1, 25))


def _walking(count: int) -> tuple[np.ndarray, PoseSequence, np.ndarray]:
    """The standing person crossing a plain room, 128 wide and 64 high."""
    still = film(1)
    background = np.full((64, 128, 3), 100, np.uint8)
    frames, keypoints = [], []
    for offset in np.linspace(0, 60, count).astype(int):
        frame = background.copy()
        inside = still.matte_NHW[0] > 127
        frame[:, offset : offset + 64][inside] = (230, 120, 20)
        frames.append(frame)
        keypoints.append(still.poses.keypoints_NK2[0] + np.array([offset, 0], np.float32))
    poses = PoseSequence(
        skeleton=still.poses.skeleton,
        frames=FrameRange(start=40, stop=40 + count),
        keypoints_NK2=np.stack(keypoints),
        confidence_NK=np.ones((count, 17), np.float32),
    )
    return np.stack(frames), poses, background


def test_the_background_is_found_behind_a_moving_person_and_the_matte_is_the_person() -> None:
    rgb, poses, background = _walking(8)
    footage = join_parts([fit_part([_batch(rgb[:3]), _batch(rgb[3:], 3)], poses, height=64)])
    assert np.array_equal(footage.background_HW3, background)
    person = (rgb != background).any(axis=-1)
    assert (footage.matte_NHW[person] > 127).mean() > 0.9
    far_left = footage.matte_NHW[-1, :, :30]
    assert far_left.max() == 0
    assert footage.poses.frames == FrameRange(start=0, stop=8)


def test_the_region_of_a_person_takes_in_their_hands_and_little_more() -> None:
    plain = standing_poses(1, side=256)
    whole = as_skeleton(plain, COCO_WHOLEBODY_133)
    small, large = (person_regions(poses, 256, 256)[0] > 0 for poses in (plain, whole))
    assert (large | ~small).all()
    assert large.sum() < 1.2 * small.sum()
    for x, y in whole.keypoints_NK2[0].round().astype(int):
        assert large[y, x]


def test_sides_become_multiples_of_32_and_joints_move_along() -> None:
    rgb, poses, _ = _walking(2)
    part = fit_part([_batch(rgb)], poses, height=40)
    assert part.rgb_NHW3.shape == (2, 32, 64, 3)
    assert np.allclose(part.poses.keypoints_NK2, (poses.keypoints_NK2 + 0.5) / 2 - 0.5)


def test_frames_and_poses_must_be_equally_many() -> None:
    rgb, poses, _ = _walking(3)
    with pytest.raises(PlateError, match="2 frames, but 3 poses"):
        fit_part([_batch(rgb[:2])], poses, height=64)
    with pytest.raises(PlateError, match="0 frames"):
        fit_part([], poses, height=64)


def test_scaling_there_and_back_leaves_joints_where_they_were() -> None:
    poses = standing_poses(2)
    back = scale_poses(scale_poses(poses, 0.5, 2.0), 2.0, 0.5)
    assert np.allclose(back.keypoints_NK2, poses.keypoints_NK2, atol=1e-4)


def test_footage_between_steps_is_refused() -> None:
    good = film(2)
    with pytest.raises(ValueError, match="multiples of 32"):
        SubjectFootage(
            rgb_NHW3=good.rgb_NHW3[:, :48],
            poses=good.poses,
            matte_NHW=good.matte_NHW[:, :48],
            background_HW3=good.background_HW3[:48],
        )


def test_parts_of_one_place_are_joined_with_a_cut_and_share_a_background() -> None:
    rgb, poses, background = _walking(8)
    ranges = [FrameRange(start=40, stop=44), FrameRange(start=44, stop=48)]
    pictures = (rgb[:4], rgb[4:])
    halves = [
        fit_part([_batch(part)], poses.cut(frames), height=64)
        for part, frames in zip(pictures, ranges, strict=True)
    ]
    footage = join_parts(halves)
    assert footage.clip_starts == (0, 4)
    assert np.array_equal(footage.background_HW3, background)
    whole = join_parts([fit_part([_batch(rgb)], poses, height=64)])
    assert np.array_equal(footage.matte_NHW, whole.matte_NHW)
    assert np.array_equal(footage.poses.keypoints_NK2, whole.poses.keypoints_NK2)
    held_out = join_parts(halves[1:], footage.background_HW3)
    assert np.array_equal(held_out.matte_NHW, footage.matte_NHW[4:])


def test_clips_of_another_place_or_shape_are_refused() -> None:
    rgb, poses, _ = _walking(8)
    here = fit_part([_batch(rgb)], poses, height=64)
    elsewhere = fit_part(
        [_batch(np.where(rgb == 100, 180, rgb).astype(np.uint8))], poses, height=64
    )
    with pytest.raises(PlateError, match="one camera that stands still"):
        join_parts([here, elsewhere])
    narrow = fit_part([_batch(rgb[:, :, :64])], poses, height=64)
    with pytest.raises(PlateError, match="clips come to 128x64 and 64x64 pixels"):
        join_parts([here, narrow])
