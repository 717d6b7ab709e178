"""The generator renders any size in whole steps, from nothing or from its own output."""

from dataclasses import replace

import pytest
import torch

from bodyswap.errors import ModelError
from bodyswap.nets.closeup import CloseUp
from bodyswap.nets.generator import Generator, GeneratorConfig

TINY = GeneratorConfig(
    pose_channels=18, first_channels=4, most_channels=16, downsamplings=3, residual_blocks=1
)
FACE = CloseUp(kind="face", channels=(12, 13, 14, 15), side_px=16)


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


def test_without_a_memory_the_previous_frame_does_not_matter() -> None:
    generator = Generator(replace(TINY, memory_gain=0.0)).eval()
    pose = torch.rand(1, 18, 64, 64)
    one, other = (generator(pose, previous).rgb_B3HW for previous in torch.rand(2, 1, 3, 64, 64))
    assert torch.equal(one, other)


@pytest.mark.parametrize("enhancers", [1, 2])
def test_enhancers_double_the_size_and_take_in_what_is_inside(enhancers: int) -> None:
    torch.manual_seed(0)
    config = replace(TINY, first_channels=8, downsamplings=2, enhancers=enhancers)
    generator = Generator(config).eval()
    pose, previous = torch.rand(1, 18, 64, 96), torch.rand(1, 3, 64, 96)
    output = generator(pose, previous)
    assert output.rgb_B3HW.shape == (1, 3, 64, 96)
    coarse = generator(pose, previous, is_coarse=True)
    assert not torch.allclose(coarse.rgb_B3HW, output.rgb_B3HW)
    with torch.no_grad():
        for weight in generator.global_generator.blocks.parameters():
            weight.add_(1)
    assert not torch.allclose(generator(pose, previous).rgb_B3HW, output.rgb_B3HW)


def test_a_coarse_frame_teaches_the_global_generator_alone() -> None:
    config = replace(TINY, first_channels=8, downsamplings=2, enhancers=1, closeups=(FACE,))
    generator = Generator(config)
    coarse = generator(torch.rand(1, 18, 32, 32), torch.zeros(1, 3, 32, 32), is_coarse=True)
    coarse.rgb_B3HW.sum().backward()
    assert all(weight.grad is not None for weight in generator.global_generator.parameters())
    for part in (generator.enhancers, generator.refiners, generator.exits[1]):
        assert all(weight.grad is None for weight in part.parameters())


def test_the_refiner_changes_nothing_before_it_has_learnt_and_then_the_face_alone() -> None:
    torch.manual_seed(0)
    generator = Generator(replace(TINY, closeups=(FACE,))).eval()
    pose = torch.zeros(1, 18, 64, 64)
    pose[:, FACE.channels[0], 10:14, 30:34] = 1
    plain = generator(pose, torch.zeros(1, 3, 64, 64)).rgb_B3HW
    generator.config = replace(TINY, closeups=())
    assert torch.equal(generator(pose, torch.zeros(1, 3, 64, 64)).rgb_B3HW, plain)
    generator.config = replace(TINY, closeups=(FACE,))
    torch.nn.init.normal_(generator.refiners["face"].exit.weight, std=0.2)
    changed = (generator(pose, torch.zeros(1, 3, 64, 64)).rgb_B3HW != plain)[0].any(dim=0)
    rows, columns = changed.nonzero().unbind(dim=1)
    assert rows.min() >= 4 and rows.max() < 20
    assert columns.min() >= 24 and columns.max() < 40


def test_without_a_matte_the_whole_picture_is_painted() -> None:
    output = Generator(replace(TINY, has_matte=False))(
        torch.rand(1, 18, 32, 32), torch.zeros(1, 3, 32, 32)
    )
    assert torch.equal(output.over(torch.rand(1, 3, 32, 32)), output.rgb_B3HW)


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
