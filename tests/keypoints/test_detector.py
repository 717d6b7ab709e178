"""Detectors, by real networks: the pose model, and an RTMDet as born, at reduced width."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import save_file
from torch import nn

from bodyswap.errors import ModelError
from bodyswap.keypoints.detector import build_detector
from bodyswap.keypoints.estimator import build_estimator, read_spec, spec_folder
from bodyswap.keypoints.mmdet_door import (
    OneStageDetector,
    build_detector_model,
    distinct_boxes,
    find_config,
)
from bodyswap.stage.cast import PERFORMERS
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Shot, film

NARROW = """
_base_ = "{base}"
model = dict(
    backbone=dict(widen_factor=0.125),
    neck=dict(in_channels=[32, 64, 128], out_channels=32),
    bbox_head=dict(in_channels=32, feat_channels=32),
)
test_pipeline = [dict(type="Resize", scale=(160, 160), keep_ratio=True)]
"""


def _narrow(folder: Path, person_bias: float = 0.0) -> tuple[str, OneStageDetector]:
    torch.manual_seed(7)
    path = folder / "narrow.py"
    path.write_text(NARROW.replace("{base}", str(find_config("rtmdet_tiny_8xb32-300e_coco"))))
    model = build_detector_model(str(path), None, device="cpu")
    for convolution in model.network.bbox_head.rtm_cls:
        nn.init.constant_(convolution.bias, -9.0)
        convolution.bias.data[0] = person_bias
    return str(path), model


def test_boxes_come_in_frame_pixels_with_doubles_removed(tmp_path: Path) -> None:
    """Every place of the untrained network is sure of a person: only suppression thins them."""
    _, model = _narrow(tmp_path, person_bias=3.0)
    frame = np.random.default_rng(1).integers(0, 256, (240, 640, 3), dtype=np.uint8)
    boxes, scores = model.boxes(frame)
    assert len(boxes) and (np.diff(scores) <= 0).all() and (scores > 0.9).all()
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    assert 500 < centres[:, 0].max() < 680 and centres[:, 1].max() < 680
    again, _ = distinct_boxes(boxes, scores)
    np.testing.assert_array_equal(again, boxes)


def test_of_two_boxes_nearly_the_same_the_surer_stays() -> None:
    boxes = np.array([[0, 0, 10, 20], [0, 1, 10, 21], [40, 0, 50, 20]], np.float32)
    kept, scores = distinct_boxes(boxes, np.array([0.6, 0.8, 0.5], np.float32))
    assert kept.tolist() == boxes[[1, 2]].tolist()
    np.testing.assert_allclose(scores, [0.8, 0.5])


def _separate(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """RTMDet's scales share their convolutions, which safetensors would refuse."""
    return {name: value.clone() for name, value in state.items()}


def test_a_detector_of_a_yaml_holds_the_weights_it_names(tmp_path: Path) -> None:
    config, model = _narrow(tmp_path, person_bias=3.0)
    save_file(_separate(model.network.state_dict()), tmp_path / "narrow.safetensors")
    spec = tmp_path / "narrow.yaml"
    spec.write_text(yaml.safe_dump({"config": config, "weights": "narrow.safetensors"}))
    estimator = build_estimator("rtmpose-t-bodyswap", "cpu")
    frame = np.random.default_rng(1).integers(0, 256, (240, 640, 3), dtype=np.uint8)
    (seen,) = build_detector(str(spec), estimator, "cpu").detect(frame[None])
    np.testing.assert_array_equal(seen.aims.box_M4, model.boxes(frame)[0])


def test_weights_of_another_detector_are_refused_with_the_names_that_differ(tmp_path: Path) -> None:
    config, model = _narrow(tmp_path)
    state = model.network.state_dict()
    state.pop("bbox_head.rtm_reg.0.bias")
    save_file(_separate(state), tmp_path / "wrong.safetensors")
    with pytest.raises(ModelError, match=r"missing: bbox_head\.rtm_reg\.0\.bias"):
        build_detector_model(config, tmp_path / "wrong.safetensors", device="cpu")


@pytest.mark.parametrize("path", sorted(spec_folder("detector").glob("*.yaml")), ids=str)
def test_every_shipped_yaml_names_a_config_that_mmdetection_has(path: Path) -> None:
    spec = read_spec(path.stem, "detector")
    assert build_detector_model(spec.config, None, device="meta").size == (640, 640)


def test_the_pose_driven_detector_finds_who_stands_there() -> None:
    walk = load_motion("walk").at(np.array([0.3]))
    frame = next(film(PERFORMERS["vega"], walk, Shot(width=256, height=256)))
    estimator = build_estimator("rtmpose-t-bodyswap", "cpu")
    (seen,) = build_detector("pose", estimator, "cpu").detect(frame.rgb_HW3[None])
    middle = (seen.aims.box_M4[0, :2] + seen.aims.box_M4[0, 2:]) / 2
    assert np.linalg.norm(middle - frame.keypoints_K2.mean(axis=0)) < 40
