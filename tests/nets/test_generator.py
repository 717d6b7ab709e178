"""The generator renders any size in whole steps, from nothing or from its own output."""

import pytest
import torch

from bodyswap.errors import ModelError
from bodyswap.nets.generator import Generator, GeneratorConfig

TINY = GeneratorConfig(
    pose_channels=18, first_channels=4, most_channels=16, downsamplings=3, residual_blocks=1
)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (32, 96), (128, 64)])
def test_colour_and_matte_are_as_large_as_the_pose_map(height: int, width: int) -> None:
    generator = Generator(TINY)
    output = generator(torch.rand(2, 18, height, width), torch.zeros(2, 3, height, width))
    assert output.rgb_B3HW.shape == (2, 3, height, width)
    assert output.matte_B1HW.shape == (2, 1, height, width)
    assert output.rgb_B3HW.abs().max() <= 1
    assert 0 <= output.matte_B1HW.min() <= output.matte_B1HW.max() <= 1


def test_the_previous_frame_matters_and_may_be_nothing() -> None:
    torch.manual_seed(0)
    generator = Generator(TINY).eval()
    pose = torch.rand(1, 18, 64, 64)
    from_nothing = generator(pose, torch.zeros(1, 3, 64, 64)).rgb_B3HW
    after_another = generator(pose, torch.rand(1, 3, 64, 64)).rgb_B3HW
    assert torch.isfinite(from_nothing).all()
    assert not torch.allclose(from_nothing, after_another)


def test_a_matte_of_nothing_shows_the_background() -> None:
    output = Generator(TINY)(torch.rand(1, 18, 32, 32), torch.zeros(1, 3, 32, 32))
    background = torch.rand(1, 3, 32, 32)
    inside = output.over(background)
    wanted = output.rgb_B3HW * output.matte_B1HW + background * (1 - output.matte_B1HW)
    assert torch.allclose(inside, wanted, atol=1e-6)


def test_another_skeletons_pose_map_is_refused() -> None:
    with pytest.raises(ModelError, match="12 channels"):
        Generator(TINY)(torch.rand(1, 12, 64, 64), torch.zeros(1, 3, 64, 64))


def test_a_size_between_steps_is_refused() -> None:
    with pytest.raises(ModelError, match="60x64"):
        Generator(TINY)(torch.rand(1, 18, 64, 60), torch.zeros(1, 3, 64, 60))


def test_a_config_that_cannot_be_built_is_refused() -> None:
    with pytest.raises(ModelError, match="downsamplings"):
        GeneratorConfig(pose_channels=18, downsamplings=9)
    with pytest.raises(ModelError, match="edge_kernel"):
        GeneratorConfig(pose_channels=18, edge_kernel=4)


def test_the_shipped_size_fits_a_folder_of_12_mb() -> None:
    generator = Generator(GeneratorConfig(pose_channels=18))
    assert sum(value.numel() for value in generator.state_dict().values()) * 2 < 11_500_000
