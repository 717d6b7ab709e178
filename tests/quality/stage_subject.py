"""Vega before any training: a subject of the stage that loads at once."""

import torch

from bodyswap.nets.card import Origin, SubjectCard
from bodyswap.nets.checkpoint import Subject
from bodyswap.nets.generator import Generator, GeneratorConfig
from bodyswap.retarget import measure_stance
from bodyswap.skeleton import COCO_17
from bodyswap.stage.cast import VEGA
from bodyswap.stage.render import Shot, empty_set
from tests.motions_on_stage import stage_poses

SIDE_PX = 64


def untrained_vega() -> Subject:
    """In her own studio and stature; the same weights every time."""
    torch.manual_seed(3)
    config = GeneratorConfig(
        pose_channels=len(COCO_17.limbs), first_channels=8, downsamplings=2, residual_blocks=1
    )
    walk = stage_poses(VEGA, "walk", size=SIDE_PX)
    card = SubjectCard(
        origin=Origin(subject="vega", consent="synthetic"),
        skeleton=COCO_17.name,
        width=SIDE_PX,
        height=SIDE_PX,
        generator=config,
        stance=measure_stance(walk, width=SIDE_PX, height=SIDE_PX),
    )
    return Subject(
        card=card, generator=Generator(config).eval().requires_grad_(False),
        background_HW3=empty_set(Shot(width=SIDE_PX, height=SIDE_PX)),
    )  # fmt: skip
