from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from bodyswap.errors import ModelError
from bodyswap.keypoints.estimator import PoseEstimator, build_estimator, read_spec, spec_folder
from bodyswap.keypoints.mmpose_door import build_model, load_weights
from bodyswap.keypoints.weights import PACKAGED, file_sha256
from bodyswap.stage.cast import PERFORMERS
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import StageFrame, film

NAME = "rtmpose-t-bodyswap"
CONFIG = "rtmpose-t_8xb256-420e_coco-256x192"
WEIGHTS = PACKAGED / f"{NAME}.safetensors"


@cache
def _estimator() -> PoseEstimator:
    return build_estimator(NAME, "cpu")


@cache
def _frame() -> StageFrame:
    from bodyswap.stage.render import Shot

    walk = load_motion("walk")
    return next(film(PERFORMERS["vega"], walk.at(np.array([0.3])), Shot()))


def _box(frame: StageFrame) -> np.ndarray:
    rows, columns = np.nonzero(frame.matte_HW > 0.5)
    return np.array([columns.min(), rows.min(), columns.max(), rows.max()], np.float32)


def _yaml(folder: Path, **changes: object) -> str:
    content = {"config": CONFIG, "weights": str(WEIGHTS), **changes}
    path = folder / "model.yaml"
    path.write_text(yaml.safe_dump(content))
    return str(path)


def test_the_shipped_model_places_a_performers_joints() -> None:
    frame = _frame()
    poses = _estimator().estimate(frame.rgb_HW3[None], np.zeros(1, np.int64), _box(frame)[None])
    away = np.linalg.norm(poses.keypoints_MK2[0] - frame.keypoints_K2, axis=1)
    torso = np.linalg.norm(frame.keypoints_K2[5] - frame.keypoints_K2[12])
    assert np.median(away) < 0.2 * torso
    assert poses.confidence_MK.mean() > 0.6


def test_an_empty_box_is_met_with_little_confidence() -> None:
    blank = np.full((1, 120, 120, 3), 127, np.uint8)
    box = np.array([[20, 10, 100, 110]], np.float32)
    poses = _estimator().estimate(blank, np.zeros(1, np.int64), box)
    assert poses.confidence_MK.mean() < 0.35


def test_many_boxes_of_many_frames_equal_one_at_a_time() -> None:
    frame = _frame()
    frames = np.stack([frame.rgb_HW3, frame.rgb_HW3[:, ::-1]])
    left, _, right, _ = _box(frame)
    boxes = np.stack([_box(frame), _box(frame)])
    boxes[1, [0, 2]] = 511 - right, 511 - left
    together = _estimator().estimate(frames, np.array([0, 1]), boxes)
    for index in range(2):
        alone = _estimator().estimate(frames, np.array([index]), boxes[index : index + 1])
        np.testing.assert_allclose(
            together.keypoints_MK2[index], alone.keypoints_MK2[0], atol=boxes[0, 3] / 256
        )
        np.testing.assert_allclose(together.confidence_MK[index], alone.confidence_MK[0], atol=0.01)


def test_no_boxes_give_no_poses() -> None:
    none = np.zeros((0, 4), np.float32)
    poses = _estimator().estimate(_frame().rgb_HW3[None], np.zeros(0, np.int64), none)
    assert poses.keypoints_MK2.shape == (0, 17, 2) and poses.confidence_MK.shape == (0, 17)


def test_a_checkpoint_of_another_model_is_refused_with_the_names_that_differ(
    tmp_path: Path,
) -> None:
    state = load_file(WEIGHTS)
    state.pop("head.cls_x.weight")
    state["head.extra"] = torch.zeros(1)
    state["head.cls_y.weight"] = torch.zeros(3, 4)
    save_file(state, tmp_path / "wrong.safetensors")
    with pytest.raises(ModelError) as caught:
        build_estimator(_yaml(tmp_path, weights="wrong.safetensors"), "cpu")
    told = str(caught.value)
    assert "missing: head.cls_x.weight" in told and "unexpected: head.extra" in told
    assert "head.cls_y.weight is (3, 4) where the config wants (512, 256)" in told


def test_an_mmengine_checkpoint_is_opened_with_what_it_carries(tmp_path: Path) -> None:
    """OpenMMLab's files hold arrays of data set statistics beside the weights."""
    model = build_model(CONFIG, device="cpu")
    content = {
        "meta": {"epoch": 1, "dataset_meta": {"sigmas": np.ones(17, np.float32)}},
        "state_dict": load_file(WEIGHTS),
    }
    torch.save(content, tmp_path / "official.pth")
    load_weights(model, tmp_path / "official.pth", CONFIG)
    wanted = load_file(WEIGHTS)["head.cls_x.weight"].float()
    torch.testing.assert_close(model.network.state_dict()["head.cls_x.weight"], wanted)


class _Trap:
    def __reduce__(self) -> tuple[type[Path], tuple[str]]:
        return Path, ("/tmp/trap",)


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": {}, "meta": _Trap()}, tmp_path / "trap.pth")
    with pytest.raises(ModelError, match="cannot be opened safely"):
        build_estimator(_yaml(tmp_path, weights="trap.pth"), "cpu")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"config": "rtmpose-huge"}, "no such config"),
        ({"joints": [0, 1, 2]}, "skeleton coco-17 has 17"),
        ({"skeleton": "coco-18"}, "'coco-18' is unknown"),
        ({"colour": "red"}, "unknown keys colour"),
        ({"weights": "gone.pth"}, "are not there"),
    ],
)
def test_a_yaml_that_cannot_work_says_why(
    tmp_path: Path, changes: dict[str, object], told: str
) -> None:
    with pytest.raises(ModelError, match=told):
        build_estimator(_yaml(tmp_path, **changes), "cpu")


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"'rtmpose-z' is unknown; known: .*rtmpose-t-bodyswap"):
        build_estimator("rtmpose-z", "cpu")


@pytest.mark.parametrize("path", sorted(spec_folder().glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_yaml_describes_a_model_that_mmpose_can_build(path: Path) -> None:
    spec = read_spec(path.stem)
    model = build_model(spec.config, device="meta")
    assert max(spec.joints or range(17)) < model.joint_count


def test_the_card_belongs_to_the_weights() -> None:
    card = yaml.safe_load(WEIGHTS.with_suffix(".yaml").read_text())
    assert card["sha256"] == file_sha256(WEIGHTS)
    assert card["bytes"] == WEIGHTS.stat().st_size <= 8_000_000
    assert card["pck"] and card["limits"] and card["trained_on"]
