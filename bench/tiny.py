"""A subject so small that frames cost next to nothing, and poses for it, however many.

It does not know what is measured with them.
"""

from pathlib import Path

import numpy as np
import torch

from bodyswap.nets.card import Origin, SubjectCard
from bodyswap.nets.checkpoint import save_subject
from bodyswap.nets.generator import Generator, GeneratorConfig
from bodyswap.people import PoseSequence
from bodyswap.retarget import measure_stance
from bodyswap.skeleton import COCO_17
from bodyswap.timing import FrameRange


def tiny_subject(folder: Path, px: int) -> Path:
    """An untrained one, at `folder`."""
    torch.manual_seed(3)
    config = GeneratorConfig(
        pose_channels=len(COCO_17.limbs), first_channels=8, downsamplings=2, residual_blocks=1
    )
    card = SubjectCard(
        origin=Origin(subject="tiny", consent="synthetic"), skeleton=COCO_17.name,
        width=px, height=px, generator=config,
        stance=measure_stance(tiny_poses(24, px), width=px, height=px),
    )  # fmt: skip
    background = np.full((px, px, 3), (30, 90, 150), np.uint8)
    save_subject(folder, card, Generator(config).state_dict(), background)
    return folder


def tiny_poses(count: int, px: int) -> PoseSequence:
    """Somebody upright who sways."""
    upright_K2 = np.array(
        [(0, .1), (-.02, .08), (.02, .08), (-.04, .1), (.04, .1), (-.1, .25), (.1, .25),
         (-.14, .4), (.14, .4), (-.15, .55), (.15, .55), (-.07, .55), (.07, .55), (-.07, .75),
         (.07, .75), (-.07, .95), (.07, .95)]
    )  # fmt: skip
    sway_N = 0.1 * np.sin(np.arange(count) / 5)
    keypoints_NK2 = np.repeat(upright_K2[None], count, axis=0)
    keypoints_NK2[:, :, 0] += 0.5 + sway_N[:, None] * (1 - keypoints_NK2[:, :, 1])
    return PoseSequence(
        skeleton=COCO_17,
        frames=FrameRange(start=0, stop=count),
        keypoints_NK2=(keypoints_NK2 * px).astype(np.float32),
        confidence_NK=np.ones((count, 17), np.float32),
    )
