"""poses.npz comes back as it was written; what cannot be meant is refused in one line."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bodyswap.errors import UsageError
from bodyswap.keypoints.posefile import read_pose_file, write_pose_file
from bodyswap.people import PoseSequence
from bodyswap.skeleton import COCO_17
from bodyswap.timing import FrameRange, Timeline

FRAMES = FrameRange(start=2, stop=8)
TIMELINE = Timeline(
    pts=tuple(500 + 1001 * index for index in range(10)),
    time_base=Fraction(1, 24000),
    rate=Fraction(24000, 1001),
)
Arrays = dict[str, npt.NDArray[np.generic]]


def _poses() -> PoseSequence:
    generator = np.random.default_rng(3)
    confidence = generator.uniform(0.3, 1, (len(FRAMES), 17)).astype(np.float32)
    confidence[2, 9] = 0
    confidence[4] = 0
    filled = np.zeros(confidence.shape, np.bool_)
    filled[3] = True
    return PoseSequence(
        skeleton=COCO_17,
        frames=FRAMES,
        keypoints_NK2=generator.uniform(0, 640, (len(FRAMES), 17, 2)).astype(np.float32),
        confidence_NK=confidence,
        filled_NK=filled,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "poses.npz"
    write_pose_file(path, _poses(), TIMELINE, width=640, height=360)
    return path


def _changed(path: Path, **changes: npt.NDArray[np.generic] | None) -> Path:
    with np.load(path, allow_pickle=False) as archive:
        arrays: Arrays = {name: archive[name] for name in archive.files}
    arrays.update({name: value for name, value in changes.items() if value is not None})
    for name in [name for name, value in changes.items() if value is None]:
        del arrays[name]
    np.savez(path, allow_pickle=True, **arrays)
    return path


def _array(path: Path, name: str) -> npt.NDArray[np.generic]:
    with np.load(path, allow_pickle=False) as archive:
        return np.array(archive[name])


def test_poses_come_back_bit_for_bit(path: Path) -> None:
    poses = read_pose_file(path).on_plate(TIMELINE, FRAMES, width=640, height=360).poses
    written = _poses()
    np.testing.assert_array_equal(poses.keypoints_NK2, written.keypoints_NK2)
    np.testing.assert_array_equal(poses.confidence_NK, written.confidence_NK)
    np.testing.assert_array_equal(poses.presence_N, written.presence_N)
    assert set(poses.presence_N.tolist()) == {0, 1, 2}


def test_the_cameras_motion_comes_back_for_the_frames_asked_for(tmp_path: Path) -> None:
    camera_N33 = np.tile(np.eye(3), (len(FRAMES), 1, 1))
    camera_N33[:, 0, 2] = np.arange(len(FRAMES))
    path = tmp_path / "poses.npz"
    write_pose_file(path, _poses(), TIMELINE, width=640, height=360, camera_N33=camera_N33)
    part = FrameRange(start=FRAMES.start + 2, stop=FRAMES.stop)
    given = read_pose_file(path).on_plate(TIMELINE, part, width=640, height=360)
    np.testing.assert_array_equal(given.camera_N33, camera_N33[2:])
    _changed(path, camera=camera_N33[1:])
    with pytest.raises(UsageError, match=r"camera has shape \[5, 3, 3\], expected \[6, 3, 3\]"):
        read_pose_file(path)


def test_the_file_holds_what_its_description_says(path: Path) -> None:
    keypoints = _array(path, "keypoints")
    assert keypoints.dtype == np.float32 and keypoints.shape == (6, 17, 3)
    assert _array(path, "present").tolist() == [True, True, True, True, False, True]
    assert _array(path, "presence").tolist() == [2, 2, 2, 1, 0, 2]
    assert _array(path, "frames").tolist() == [1003, 1004, 1005, 1006, 1007, 1008]
    assert _array(path, "pts").tolist() == list(TIMELINE.pts[2:8])
    assert _array(path, "joints").tolist() == list(COCO_17.joints)


def test_the_same_poses_are_the_same_bytes(path: Path) -> None:
    other = path.with_name("again.npz")
    write_pose_file(other, _poses(), TIMELINE, width=640, height=360)
    assert other.read_bytes() == path.read_bytes()


def test_joints_in_another_order_are_found_by_name(path: Path) -> None:
    order = np.random.default_rng(0).permutation(17)
    shuffled = _changed(
        path,
        joints=_array(path, "joints")[order],
        keypoints=_array(path, "keypoints")[:, order],
        filled=_array(path, "filled")[:, order],
    )
    poses = read_pose_file(shuffled).poses
    np.testing.assert_array_equal(poses.keypoints_NK2, _poses().keypoints_NK2)
    np.testing.assert_array_equal(poses.presence_N, _poses().presence_N)


def test_a_frame_unticked_as_present_has_nobody_in_it(path: Path) -> None:
    present = np.ones(6, np.bool_)
    present[0] = False
    poses = read_pose_file(_changed(path, present=present)).poses
    assert poses.presence_N.tolist() == [0, 2, 2, 1, 0, 2]


def test_a_part_of_the_poses_serves_a_part_of_the_plate(path: Path) -> None:
    part = FrameRange(start=4, stop=6)
    poses = read_pose_file(path).on_plate(TIMELINE, part, width=640, height=360).poses
    np.testing.assert_array_equal(poses.keypoints_NK2, _poses().cut(part).keypoints_NK2)


def test_an_absent_joint_may_be_nowhere(path: Path) -> None:
    keypoints = np.array(_array(path, "keypoints"), np.float64)
    keypoints[4, :, :2] = np.nan
    poses = read_pose_file(_changed(path, keypoints=keypoints, filled=None)).poses
    assert np.isfinite(poses.keypoints_NK2).all()


def _spoilt(path: Path, name: str) -> Arrays:
    keypoints = np.array(_array(path, "keypoints"))
    match name:
        case "nan":
            keypoints[1, 9, 0] = np.nan
        case "infinite":
            keypoints[1, 9, 1] = np.inf
        case "sure":
            keypoints[1, 9, 2] = 1.5
        case "unsure":
            keypoints[1, 9, 2] = np.nan
        case "few":
            keypoints = keypoints[:5]
        case "flat":
            keypoints = keypoints[:, :, :2]
        case "text":
            return {"keypoints": keypoints.astype(str)}
    return {"keypoints": keypoints}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nan", "left_wrist of frame 1004: x or y is not a finite number"),
        ("infinite", "left_wrist of frame 1004: x or y"),
        ("sure", "left_wrist of frame 1004: confidence"),
        ("unsure", "left_wrist of frame 1004: confidence"),
        ("few", r"shape \[5, 17, 3\], expected \[6, 17, 3\]"),
        ("flat", r"shape \[6, 17, 2\]"),
        ("text", "expected numbers"),
    ],
)
def test_keypoints_that_cannot_be_meant_are_refused(path: Path, name: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_pose_file(_changed(path, **_spoilt(path, name)))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"pts": None, "joints": None}, "lacks pts, joints"),
        ({"skeleton": np.array("coco-18")}, "skeleton 'coco-18' is unknown"),
        ({"joints": np.array(["nose"] * 17)}, "lacks coco-17's joints left_eye"),
        ({"joints": np.array([*COCO_17.joints, "tail"])}, "has .*tail"),
        ({"frames": np.array([1003, 1004, 1006, 1007, 1008, 1009])}, "do not follow one another"),
        ({"frames": np.arange(0, 6)}, "from 1001 or later"),
        ({"present": np.ones(5)}, r"present has shape \[5\]"),
        ({"time_base": np.array([1, 0])}, "time_base"),
        ({"pts": np.arange(6) / 7}, "pts holds float64, expected whole"),
        ({"keypoints": np.array([{"a": 1}])}, "not an .npz archive of plain arrays"),
    ],
)
def test_an_archive_that_is_no_poses_is_refused(
    path: Path, changes: dict[str, npt.NDArray[np.generic] | None], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        read_pose_file(_changed(path, **changes))


@pytest.mark.parametrize("content", [b"", b"Dear supervisor", b"PK\x03\x04 torn"])
def test_a_file_that_is_no_archive_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "letter.npz").write_bytes(content)
    with pytest.raises(UsageError, match=r"letter\.npz' cannot be read as poses"):
        read_pose_file(tmp_path / "letter.npz")
    with pytest.raises(UsageError, match="are not there"):
        read_pose_file(tmp_path / "missing.npz")


def _later(by: int) -> Timeline:
    return TIMELINE.starting_at(TIMELINE.pts[0] + by)


@pytest.mark.parametrize(
    ("timeline", "frames", "width", "told"),
    [
        (TIMELINE, FrameRange(start=2, stop=9), 640, "of frames 1003-1008, but 1003-1009 are to"),
        (TIMELINE, FrameRange(start=0, stop=8), 640, "add --frames 1003-1008"),
        (TIMELINE, FRAMES, 320, "of a 640x360 plate, but this one is 320x360"),
        (_later(1), FRAMES, 640, "frame 1003 is shown at"),
        (TIMELINE.cut(FrameRange(start=0, stop=7)), FRAMES, 640, "the plate has 1001-1007"),
    ],
)
def test_poses_of_another_plate_are_refused(
    path: Path, timeline: Timeline, frames: FrameRange, width: int, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        read_pose_file(path).on_plate(timeline, frames, width=width, height=360)
