import math

import cv2
import numpy as np
import pytest
import torch

from bodyswap.errors import UsageError
from bodyswap.frames import RGB
from bodyswap.quality.lpips import FEATURES, WEIGHTS, Lpips, load_lpips
from bodyswap.quality.metrics import compare, psnr_db

GENERATOR = np.random.default_rng(5)
PICTURE: RGB = cv2.GaussianBlur(
    GENERATOR.integers(0, 230, (64, 80, 3), dtype=np.uint8), (0, 0), 1.0
).astype(np.uint8)


def test_equal_pictures_score_perfectly() -> None:
    report = compare([PICTURE], [PICTURE])
    assert report.mean.psnr_db == math.inf
    assert report.mean.ssim == pytest.approx(1.0)
    assert report.mean.lpips is None


def test_a_constant_offset_has_the_psnr_of_its_square() -> None:
    brighter = PICTURE + np.uint8(10)
    assert psnr_db(PICTURE, brighter) == pytest.approx(20 * math.log10(255 / 10))


def test_blur_costs_structure_more_than_a_change_of_brightness_does() -> None:
    blurred = cv2.GaussianBlur(PICTURE, (0, 0), 2.0).astype(np.uint8)
    brighter = PICTURE + np.uint8(12)
    soft, bright = (compare([one], [PICTURE]).mean.ssim for one in (blurred, brighter))
    assert soft < 0.8 < bright < 1


def test_means_are_over_all_frames() -> None:
    report = compare([PICTURE + np.uint8(10), PICTURE + np.uint8(20)], [PICTURE, PICTURE])
    scores = [frame.psnr_db for frame in report.frames]
    assert report.mean.psnr_db == pytest.approx(sum(scores) / 2)
    assert report.summary().startswith("2 frames: PSNR ")


@pytest.mark.parametrize(
    ("rendered", "reference"),
    [([PICTURE], []), ([PICTURE], [PICTURE, PICTURE]), ([PICTURE], [PICTURE[:32]]), ([], [])],
)
def test_what_cannot_be_compared_is_refused(rendered: list[RGB], reference: list[RGB]) -> None:
    with pytest.raises(UsageError, match="compare"):
        compare(rendered, reference)


def test_lpips_is_zero_for_equal_pictures_and_grows_with_their_difference(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(1)
    state = Lpips().state_dict()
    torch.save(
        {name: value for name, value in state.items() if name.startswith("features")},
        folder / FEATURES,
    )
    torch.save(
        {
            f"lin{name.split('.')[1]}.model.1.weight": value.abs()
            for name, value in state.items()
            if name.startswith("lin")
        },
        folder / WEIGHTS,
    )
    lpips = load_lpips(folder)
    noise = GENERATOR.normal(0, 1, PICTURE.shape)
    distances = [
        compare(
            [np.clip(PICTURE + strength * noise, 0, 255).astype(np.uint8)], [PICTURE], lpips
        ).mean.lpips
        for strength in (0, 8, 40)
    ]
    assert distances[0] == 0
    assert distances[0] < (distances[1] or 0) < (distances[2] or 0)


def test_missing_and_foreign_lpips_weights_are_refused(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("none")
    with pytest.raises(UsageError, match="are missing"):
        load_lpips(folder)
    for name in (FEATURES, WEIGHTS):
        torch.save({"lin0.model.1.weight": torch.zeros(1)}, folder / name)
    with pytest.raises(UsageError, match="not LPIPS"):
        load_lpips(folder)
