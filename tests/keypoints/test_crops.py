from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch

from bodyswap.keypoints.crops import cut_crops, cut_on_device, fit_regions, to_frame


def _frames(count: int = 2) -> torch.Tensor:
    generator = np.random.default_rng(1)
    small = generator.integers(0, 256, (count, 12, 16, 3), dtype=np.uint8)
    return torch.from_numpy(np.stack([cv2.resize(one, (160, 120)) for one in small]))


def _as_mmpose_cuts(frame_HW3: np.ndarray, box: np.ndarray, width: int, height: int) -> np.ndarray:
    """GetBBoxCenterScale and TopdownAffine, as MMPose's documentation states them."""
    centre, scale = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) * 1.25
    wide, high = scale
    scale = np.array([max(wide, high * width / height), max(high, wide * height / width)])
    matrix = np.zeros((2, 3))
    matrix[0, 0], matrix[1, 1] = np.array([width, height]) / scale
    matrix[:, 2] = np.array([width, height]) / 2 - centre * np.array([width, height]) / scale
    return cv2.warpAffine(frame_HW3, matrix, (width, height), flags=cv2.INTER_LINEAR)


@pytest.mark.parametrize("cut", [cut_crops, cut_on_device])
@pytest.mark.parametrize("box", [[20, 10, 90, 100], [-30, 40, 60, 130], [50, 50, 70, 60]])
def test_a_crop_is_what_mmpose_would_cut(
    box: list[float], cut: Callable[..., torch.Tensor]
) -> None:
    frames = _frames()
    boxes = torch.tensor([box], dtype=torch.float32)
    regions = fit_regions(boxes, padding=1.25, width=48, height=64)
    crop = cut(frames, torch.tensor([1]), regions, width=48, height=64)[0]
    wanted = _as_mmpose_cuts(frames[1].numpy(), np.array(box, np.float64), 48, 64)
    inside = np.abs(crop.permute(1, 2, 0).numpy() - wanted.astype(np.float32))
    assert np.median(inside) <= 1.0 and np.percentile(inside, 95) <= 3.0


def test_crops_of_many_frames_equal_crops_cut_one_by_one() -> None:
    frames = _frames(3)
    boxes = torch.tensor([[10.0, 10, 60, 90], [40, 5, 110, 100], [0, 0, 30, 30]])
    picked = torch.tensor([2, 0, 1])
    regions = fit_regions(boxes, padding=1.25, width=24, height=32)
    together = cut_crops(frames, picked, regions, width=24, height=32)
    for index in range(3):
        one = fit_regions(boxes[index : index + 1], padding=1.25, width=24, height=32)
        alone = cut_crops(frames, picked[index : index + 1], one, width=24, height=32)
        torch.testing.assert_close(together[index], alone[0])


def test_a_place_in_a_crop_returns_to_the_pixel_it_came_from() -> None:
    """Only the pixel at (52, 31) is lit; where the crop is brightest maps back to it."""
    frames = torch.zeros(1, 80, 100, 3, dtype=torch.uint8)
    frames[0, 31, 52] = 255
    boxes = torch.tensor([[40.0, 20, 64, 52]])
    size = {"width": 96, "height": 128}
    regions = fit_regions(boxes, padding=1.25, **size)
    crop = cut_crops(frames, torch.tensor([0]), regions, **size)[0, 0]
    row, column = divmod(int(crop.argmax()), 96)
    place = to_frame(torch.tensor([[[float(column), float(row)]]]), regions, **size)
    torch.testing.assert_close(place[0, 0], torch.tensor([52.0, 31.0]), atol=0.26, rtol=0)
