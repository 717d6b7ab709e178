from dataclasses import replace

import pytest
import torch

from bodyswap.config import EngineName
from bodyswap.keypoints.posemap import draw_pose_map
from bodyswap.nets.closeup import closeups_of
from bodyswap.nets.generator import Generator, GeneratorConfig
from bodyswap.nets.painter import painter
from bodyswap.skeleton import COCO_17
from bodyswap.stage.cast import VEGA
from tests.motions_on_stage import stage_poses

SIZE = 64
CPU = torch.device("cpu")
CONFIG = GeneratorConfig(
    pose_channels=len(COCO_17.limbs), first_channels=8, downsamplings=2, residual_blocks=1,
    enhancers=1, refiner_channels=8, refiner_blocks=1, closeups=closeups_of(COCO_17, height_px=64),
)  # fmt: skip


def _generator(config: GeneratorConfig = CONFIG) -> Generator:
    torch.manual_seed(3)
    generator = Generator(config).eval().requires_grad_(False)
    for refiner in generator.refiners.values():
        torch.nn.init.normal_(refiner.exit.weight, std=0.1)  # type: ignore[arg-type]  # a Refiner's
    return generator


@pytest.mark.parametrize("name", [EngineName.OPENVINO, EngineName.AUTO])
@pytest.mark.parametrize("config", [CONFIG, replace(CONFIG, has_matte=False, enhancers=0)])
def test_a_frame_is_the_generators_wherever_the_face_is(
    name: EngineName, config: GeneratorConfig
) -> None:
    generator = _generator(config)
    paint = painter(generator, name, height=SIZE, width=SIZE, device=CPU)
    poses = stage_poses(VEGA, "cartwheel", size=SIZE)
    previous = torch.zeros(1, 3, SIZE, SIZE)
    for row in range(0, len(poses.frames), 9):
        pose_BLHW = draw_pose_map(
            torch.from_numpy(poses.keypoints_NK2[row : row + 1]),
            torch.from_numpy(poses.confidence_NK[row : row + 1]),
            COCO_17, SIZE, SIZE,
        )  # fmt: skip
        with torch.inference_mode():
            wanted = generator(pose_BLHW, previous)
        found = paint(pose_BLHW, previous)
        # Half a grey level, but at the edges of what is drawn on nothing.
        assert (found.rgb_B3HW - wanted.rgb_B3HW).abs().mean() < 1e-3
        assert (found.matte_B1HW - wanted.matte_B1HW).abs().mean() < 1e-3
        previous = wanted.rgb_B3HW


def test_pytorchs_own_engine_is_the_generator_itself() -> None:
    generator = _generator()
    assert painter(generator, EngineName.EAGER, height=8, width=8, device=CPU) is generator
