import numpy as np
import pytest

from bodyswap.errors import ModelError
from bodyswap.people import Detections, PoseSequence
from bodyswap.skeleton import COCO_17, find_skeleton
from bodyswap.timing import FrameRange


def test_mirroring_twice_is_the_identity_and_swaps_left_with_right() -> None:
    for index, mirror in enumerate(COCO_17.mirrored):
        assert COCO_17.mirrored[mirror] == index
        assert COCO_17.joints[mirror] == (
            COCO_17.joints[index]
            .replace("left", "#")
            .replace("right", "left")
            .replace("#", "right")
        )


def test_every_joint_belongs_to_a_limb() -> None:
    assert {joint for limb in COCO_17.limb_indices for joint in limb} == set(range(17))


def test_an_unknown_skeleton_is_named_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"'coco-18' is unknown; known: coco-17"):
        find_skeleton("coco-18")


def _detections(start: int, people_per_frame: list[int]) -> Detections:
    frame_M = np.repeat(np.arange(len(people_per_frame)) + start, people_per_frame)
    count = len(frame_M)
    generator = np.random.default_rng(start)
    return Detections(
        skeleton=COCO_17,
        frames=FrameRange(start=start, stop=start + len(people_per_frame)),
        frame_M=frame_M,
        keypoints_MK2=generator.random((count, 17, 2), np.float32),
        confidence_MK=generator.random((count, 17), np.float32),
        box_M4=generator.random((count, 4), np.float32),
    )


def test_detections_of_shards_join_in_frame_order_and_survive_storage() -> None:
    first, second = _detections(0, [2, 0, 1]), _detections(3, [0, 3])
    joined = Detections.from_bytes(Detections.joined([second, first]).to_bytes())
    assert joined.frames == FrameRange(start=0, stop=5)
    assert joined.frame_M.tolist() == [0, 0, 2, 4, 4, 4]
    np.testing.assert_array_equal(joined.keypoints_MK2[3:], second.keypoints_MK2)


def test_a_cut_pose_sequence_keeps_its_plate_frames_and_survives_storage() -> None:
    keypoints = np.arange(10 * 17 * 2, dtype=np.float32).reshape(10, 17, 2)
    poses = PoseSequence(
        skeleton=COCO_17,
        frames=FrameRange(start=100, stop=110),
        keypoints_NK2=keypoints,
        confidence_NK=np.ones((10, 17), np.float32),
    )
    part = PoseSequence.from_bytes(poses.cut(FrameRange(start=104, stop=106)).to_bytes())
    assert part.frames == FrameRange(start=104, stop=106)
    np.testing.assert_array_equal(part.keypoints_NK2, keypoints[4:6])


def test_poses_whose_count_differs_from_their_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(3, 17, 2\), expected \(4, 17, 2\)"):
        PoseSequence(
            skeleton=COCO_17,
            frames=FrameRange(start=0, stop=4),
            keypoints_NK2=np.zeros((3, 17, 2), np.float32),
            confidence_NK=np.zeros((4, 17), np.float32),
        )
