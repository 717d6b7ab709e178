from itertools import pairwise
from pathlib import Path

import mmpose
import numpy as np
import pytest
from mmengine.config import Config

from bodyswap.errors import ModelError
from bodyswap.people import Detections, PoseSequence
from bodyswap.skeleton import (
    BODY_13,
    COCO_17,
    COCO_WHOLEBODY_133,
    HALPE_26,
    Part,
    Skeleton,
    find_skeleton,
)
from bodyswap.timing import FrameRange

ALL = [COCO_17, HALPE_26, COCO_WHOLEBODY_133, BODY_13]
DATA_SETS = {COCO_17: "coco", HALPE_26: "halpe26", COCO_WHOLEBODY_133: "coco_wholebody"}
NAMES = [skeleton.name for skeleton in ALL]


@pytest.mark.parametrize("skeleton", DATA_SETS, ids=lambda one: one.name)
def test_joints_are_named_ordered_and_mirrored_as_mmpose_has_them(skeleton: Skeleton) -> None:
    configs = Path(mmpose.__file__).parent / ".mim/configs/_base_/datasets"
    told = Config.fromfile(str(configs / f"{DATA_SETS[skeleton]}.py")).dataset_info.keypoint_info
    joints = [told[index] for index in range(len(told))]
    assert skeleton.joints == tuple(joint.name for joint in joints)
    mirrored = [skeleton.joint(joint.swap or joint.name) for joint in joints]
    assert list(skeleton.mirrored) == mirrored


@pytest.mark.parametrize("skeleton", ALL, ids=NAMES)
def test_every_joint_belongs_to_a_limb_and_limbs_mirror_to_limbs(skeleton: Skeleton) -> None:
    limbs = {frozenset(limb) for limb in skeleton.limb_indices}
    assert {joint for limb in limbs for joint in limb} == set(range(len(skeleton.joints)))
    assert {frozenset(skeleton.mirrored[joint] for joint in limb) for limb in limbs} == limbs


@pytest.mark.parametrize("skeleton", DATA_SETS, ids=lambda one: one.name)
def test_larger_ones_share_coco_17s_limbs_and_channels_first(skeleton: Skeleton) -> None:
    assert skeleton.limbs[:18] == COCO_17.limbs
    assert skeleton.channels_of_limbs[:18] == tuple(range(18))
    assert set(skeleton.channels_of_limbs) == set(range(skeleton.channels))


def test_body_13_is_coco_17_without_eyes_and_ears() -> None:
    kept = [name for name in COCO_17.joints if not name.endswith(("_eye", "_ear"))]
    assert list(BODY_13.joints) == kept
    assert BODY_13.limbs[:12] == COCO_17.limbs[:12]
    assert BODY_13.channels == 14


def test_a_joint_that_a_skeleton_has_not_is_named() -> None:
    with pytest.raises(ModelError, match="'body-13' has no joint 'left_eye'"):
        BODY_13.joint("left_eye")
    assert BODY_13.those_of(("left_eye", "nose", "right_ankle")) == (0, 12)


def test_body_feet_face_and_hands_are_told_apart() -> None:
    whole = COCO_WHOLEBODY_133
    assert whole.body == tuple(range(17))
    counts = [len(whole.of(part)) for part in Part]
    assert counts == [17, 6, 68, 21, 21]
    assert all(whole.joints[joint].startswith("left") for joint in whole.of(Part.LEFT_HAND))
    assert len(HALPE_26.body) == 20 and len(HALPE_26.of(Part.FEET)) == 6


def test_fingers_that_are_neighbours_never_share_a_channel() -> None:
    whole = COCO_WHOLEBODY_133
    channel = dict(zip(whole.limbs, whole.channels_of_limbs, strict=True))
    for side in ("left", "right"):
        tips = [
            channel[f"{side}_{finger}3", f"{side}_{finger}4"]
            for finger in ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")
        ]
        assert all(one != other for one, other in pairwise(tips))
        assert len(set(tips)) == 2
    assert whole.channels == 18 + 6 + 3 + 2 + 2


def test_an_unknown_skeleton_is_named_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"'coco-18' is unknown; known: body-13, coco-17"):
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
