"""The project's path through a model against MMPose's own, with the same weights and boxes."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from bodyswap.config import EngineName
from bodyswap.keypoints.estimator import TopDownEstimator, build_estimator
from bodyswap.keypoints.mmpose_door import (
    TopDownModel,
    build_model,
    load_weights,
    read_simcc,
)
from bodyswap.keypoints.openmmlab_import import import_aids
from bodyswap.keypoints.weights import PACKAGED
from bodyswap.skeleton import COCO_17
from bodyswap.stage.cast import PERFORMERS
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Shot, film

with import_aids():
    import mmpose
    from mmpose.apis import inference_topdown, init_model
    from mmpose.codecs.utils import get_simcc_maximum
    from mmpose.structures.bbox import get_warp_matrix

RTMPOSE = "rtmpose-t_8xb256-420e_coco-256x192"
HRNET = "td-hm_hrnet-w32_8xb64-210e_coco-256x192"
CONFIGS = Path(mmpose.__file__).parent / ".mim" / "configs"


@cache
def _frames() -> tuple[np.ndarray, np.ndarray]:
    """Six frames of a cartwheel over a noisy set, and boxes around the person."""
    motion = load_motion("cartwheel")
    instants = motion.at(np.linspace(0.2, 0.8, 6) * motion.duration_s)
    seen = list(film(PERFORMERS["rex"], instants, Shot(width=320, height=320)))
    noise = np.random.default_rng(3).normal(0, 8, (6, 320, 320, 3))
    frames = np.stack([one.rgb_HW3 for one in seen]) + noise
    joints = np.stack([one.keypoints_K2 for one in seen])
    boxes = np.concatenate([joints.min(axis=1) - 9.3, joints.max(axis=1) + 9.3], axis=1)
    return frames.clip(0, 255).astype(np.uint8), boxes.astype(np.float32)


def _by_mmpose(network: nn.Module) -> tuple[np.ndarray, np.ndarray]:
    frames, boxes = _frames()
    seen = [
        inference_topdown(network, np.ascontiguousarray(frame[:, :, ::-1]), box[None])[0]
        for frame, box in zip(frames, boxes, strict=True)
    ]
    places = np.stack([one.pred_instances.keypoints[0] for one in seen])
    return places, np.stack([one.pred_instances.keypoint_scores[0] for one in seen])


def _mmpose_model(config: str, state: dict[str, torch.Tensor], *, flip: bool) -> nn.Module:
    network = init_model(str(next(CONFIGS.rglob(f"{config}.py"))), None, device="cpu")
    network.load_state_dict(state, strict=False)
    network.test_cfg["flip_test"] = flip
    return network


@cache
def _shipped() -> TopDownModel:
    model = build_model(RTMPOSE, device="cpu")
    load_weights(model, PACKAGED / "rtmpose-t-bodyswap.safetensors", RTMPOSE)
    return model


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.filterwarnings("ignore")
def test_every_joint_is_within_half_a_pixel_of_inference_topdown(flip: bool) -> None:
    frames, boxes = _frames()
    plain = _mmpose_model(RTMPOSE, _shipped().network.state_dict(), flip=flip)
    wanted, wanted_scores = _by_mmpose(plain)
    estimator = build_estimator("rtmpose-t-bodyswap", "cpu", flip=flip)
    found = estimator.estimate(frames, np.arange(len(frames)), boxes, closely=True)
    # A joint whose two likeliest bins are as likely, to rounding, may be read from either; its
    # score then is the same, and it is rare.
    is_near_MK = (np.abs(found.keypoints_MK2 - wanted) <= 0.5).all(axis=2)
    assert is_near_MK.mean() >= 0.99
    np.testing.assert_allclose(found.confidence_MK, wanted_scores.clip(0, 1), atol=1e-4)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.filterwarnings("ignore")
def test_a_heatmap_head_is_read_by_its_own_decoding(flip: bool) -> None:
    """HRNet as it is born: what it says means nothing, but both paths must say the same."""
    torch.manual_seed(4)
    model = build_model(HRNET, device="cpu")
    nn.init.normal_(model.network.head.final_layer.weight, std=0.1)
    frames, boxes = _frames()
    plain = _mmpose_model(HRNET, model.network.state_dict(), flip=flip)
    wanted, wanted_scores = _by_mmpose(plain)
    estimator = TopDownEstimator(model, COCO_17, tuple(range(17)), torch.device("cpu"), flip=flip)
    found = estimator.estimate(frames, np.arange(len(frames)), boxes, closely=True)
    assert (np.abs(found.keypoints_MK2 - wanted) <= 0.5).all(axis=2).mean() >= 0.99
    np.testing.assert_allclose(found.confidence_MK, wanted_scores.clip(0, 1), atol=1e-3)


@pytest.mark.parametrize("config", [RTMPOSE, HRNET])
def test_folding_batch_norms_changes_no_answer(config: str) -> None:
    torch.manual_seed(5)
    model = build_model(config, device="cpu")
    for module in model.network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    folded = model.for_inference()
    left = [m for m in folded.network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    assert not left
    inputs = torch.randn(2, 3, 256, 192)
    with torch.inference_mode():
        wanted, found = (
            torch.cat([part.flatten() for part in _outputs(one, inputs)]) for one in (model, folded)
        )
    assert (wanted - found).abs().max() <= 1e-3 * wanted.abs().max()


def _outputs(model: TopDownModel, inputs: torch.Tensor) -> list[torch.Tensor]:
    said = model.head_outputs(inputs)
    return [said] if isinstance(said, torch.Tensor) else list(said)


def test_simcc_is_read_as_mmpose_reads_it_even_where_there_is_no_joint() -> None:
    generator = torch.Generator().manual_seed(6)
    x, y = (torch.randn(5, 17, bins, generator=generator) for bins in (48, 64))
    x[2, 3] = -x[2, 3].abs()
    places, scores = read_simcc(x, y, 2.0)
    wanted, wanted_scores = get_simcc_maximum(x.numpy(), y.numpy())
    np.testing.assert_array_equal(places.numpy(), wanted / 2)
    np.testing.assert_array_equal(scores.numpy(), wanted_scores)
    assert places[2, 3].tolist() == [-0.5, -0.5]


@pytest.mark.parametrize("turn_deg", [0.0, 35.0, 90.0, -120.0, 180.0])
def test_a_box_is_turned_as_mmposes_affine_turns_it(turn_deg: float) -> None:
    from bodyswap.keypoints.crops import fit_regions, to_frame

    box, size = np.array([[40.0, 30.0, 130.0, 150.0]], np.float32), {"width": 192, "height": 256}
    turn = torch.tensor([np.radians(turn_deg)], dtype=torch.float32)
    regions = fit_regions(torch.from_numpy(box), turn, padding=1.25, **size)
    matrix = get_warp_matrix(
        regions.centre_B2[0].numpy(), regions.size_B2[0].numpy(), turn_deg, output_size=(192, 256)
    )
    places = np.array([[10.0, 20.0], [100.0, 7.0], [180.0, 250.0]])
    in_frame = to_frame(torch.from_numpy(places).float()[None], regions, **size)[0].numpy()
    back = np.concatenate([in_frame, np.ones((3, 1))], axis=1) @ matrix.T
    np.testing.assert_allclose(back, places, atol=1e-2)


@pytest.mark.parametrize("by", [90.0, 180.0, 270.0])
def test_a_turned_picture_seen_through_a_turned_box_gives_the_same_pose_turned(by: float) -> None:
    frames, _ = _frames()
    estimator = build_estimator("rtmpose-t-bodyswap", "cpu")
    box = np.array([[60.0, 40, 260, 280]], np.float32)
    upright = estimator.estimate(frames[:1], np.zeros(1, np.int64), box)
    turned = np.rot90(frames[0], k=-round(by / 90)).copy()
    centre = np.array([160.0, 160.0])
    step = _TURNS[by]
    middle = step((box[0, :2] + box[0, 2:]) / 2)
    half = (box[0, 2:] - box[0, :2]) / 2
    turned_box = np.concatenate([middle - half, middle + half]).astype(np.float32)[None]
    assert (centre >= 0).all()
    found = estimator.estimate(
        turned[None], np.zeros(1, np.int64), turned_box, np.radians([by]).astype(np.float32)
    )
    wanted = np.stack([step(place) for place in upright.keypoints_MK2[0]])
    away = np.linalg.norm(found.keypoints_MK2[0] - wanted, axis=1)
    assert np.median(away) <= 1.5


_TURNS: dict[float, Callable[[np.ndarray], np.ndarray]] = {
    90.0: lambda place: np.array([319 - place[1], place[0]]),
    180.0: lambda place: 319 - place,
    270.0: lambda place: np.array([place[1], 319 - place[0]]),
}


def test_openvino_places_every_joint_where_pytorch_does_whatever_it_is_batched_with() -> None:
    frames, boxes = _frames()
    numbers = np.arange(len(frames))
    plain = build_estimator("rtmpose-t-bodyswap", "cpu", flip=True)
    fast = build_estimator("rtmpose-t-bodyswap", "cpu", flip=True, engine=EngineName.OPENVINO)
    wanted = plain.estimate(frames, numbers, boxes, closely=True)
    for size in (len(boxes), 1, 3):
        for start in range(0, len(boxes), size):
            part = slice(start, start + size)
            found = fast.estimate(frames, numbers[part], boxes[part], closely=True)
            is_near_MK = np.abs(found.keypoints_MK2 - wanted.keypoints_MK2[part]).max(axis=2) <= 0.5
            assert is_near_MK.mean() >= 0.99
            np.testing.assert_allclose(found.confidence_MK, wanted.confidence_MK[part], atol=1e-3)
