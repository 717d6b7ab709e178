import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from bodyswap.errors import UsageError
from bodyswap.skeleton import COCO_17, Floats
from bodyswap.training.pose.references import Guess, coco_oks, read_coco, read_dwpose

SIDE = 64


def _joints() -> Floats:
    return np.random.default_rng(0).uniform(8, 56, (17, 2)).astype(np.float32)


def _write_coco(folder: Path, *, unmarked: int) -> Path:
    """One picture: a person without one joint, and somebody nobody marked."""
    flags_K1 = np.full((17, 1), 2.0)
    flags_K1[unmarked] = 0
    joints_K3 = np.concatenate([_joints() * (flags_K1 > 0), flags_K1], axis=1)
    person = {"image_id": 5, "category_id": 1, "iscrowd": 0, "bbox": [4, 6, 50, 52], "area": 2600.0}
    content = {
        "images": [{"id": 5, "file_name": "a.png", "width": SIDE, "height": SIDE}],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [
            person | {"id": 1, "keypoints": joints_K3.ravel().tolist(), "num_keypoints": 16},
            person | {"id": 2, "keypoints": [0] * 51, "num_keypoints": 0},
        ],
    }
    path = folder / "people.json"
    path.write_text(json.dumps(content))
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    picture[..., 2] = 255  # OpenCV's last channel is red
    cv2.imwrite(str(folder / "a.png"), picture)
    return path


def test_coco_people_come_with_boxes_and_their_marked_joints(tmp_path: Path) -> None:
    (people,) = read_coco(_write_coco(tmp_path, unmarked=3), tmp_path)
    assert people.box_M4.tolist() == [[4, 6, 54, 58]]
    assert people.rgb_HW3[0, 0].tolist() == [255, 0, 0]
    marked = [joint for joint in range(17) if joint != 3]
    assert people.known_MK[0].tolist() == [joint != 3 for joint in range(17)]
    np.testing.assert_array_equal(people.keypoints_MK2[0, marked], _joints()[marked])
    assert np.isnan(people.keypoints_MK2[0, 3]).all()


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    path = _write_coco(tmp_path, unmarked=0)
    (tmp_path / "a.png").unlink()
    with pytest.raises(UsageError, match=r"a\.png is missing"):
        read_coco(path, tmp_path)


def test_a_json_that_is_not_cocos_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text("[]")
    with pytest.raises(UsageError, match="no COCO annotations"):
        read_coco(path, tmp_path)


@pytest.mark.parametrize(("off_px", "expected"), [(0.0, 1.0), (40.0, 0.0)])
def test_oks_is_one_in_place_and_nothing_far_off(
    tmp_path: Path, off_px: float, expected: float
) -> None:
    path = _write_coco(tmp_path, unmarked=3)
    oks = coco_oks(path, [Guess(picture=5, keypoints_K2=_joints() + off_px, score=0.9)])
    assert oks.average_precision == pytest.approx(expected)
    assert oks.average_recall == pytest.approx(expected)


def _write_dwpose(path: Path) -> None:
    candidate = np.arange(36, dtype=np.float32).reshape(18, 2) / 100
    subset = np.arange(18, dtype=np.float32)[None].copy()
    subset[0, 4] = -1  # the right wrist was not found
    record = {"bodies": {"candidate": candidate, "subset": subset}}
    np.save(path, np.array([record, record], dtype=object), allow_pickle=True)


def test_dwpose_joints_are_put_in_cocos_order_and_pixels(tmp_path: Path) -> None:
    _write_dwpose(tmp_path / "poses.npy")
    keypoints_NK2, known_NK = read_dwpose(tmp_path / "poses.npy", 200, 100)
    assert keypoints_NK2.shape == (2, 17, 2)
    np.testing.assert_allclose(keypoints_NK2[0, COCO_17.joint("left_shoulder")], [20.0, 11.0])
    assert np.flatnonzero(~known_NK[1]).tolist() == [COCO_17.joint("right_wrist")]


class _Intruder:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("touched-by-a-pickle"),))


def test_a_pickle_of_anything_but_arrays_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("poses.npy", np.array([_Intruder()], dtype=object), allow_pickle=True)
    with pytest.raises(UsageError, match="has no place in an array"):
        read_dwpose(Path("poses.npy"), 10, 10)
    assert not Path("touched-by-a-pickle").exists()
    with Path("poses.npy").open("wb") as file:
        pickle.dump([1], file)
    with pytest.raises(UsageError, match="is not an array of DWPose's records"):
        read_dwpose(Path("poses.npy"), 10, 10)
