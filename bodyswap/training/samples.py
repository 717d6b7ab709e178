"""The strip of pictures that shows how training goes: pose, previous, output, matte, truth.

It does not know the training loop.

Shape letters: N frames, H rows, W columns, 3 = red, green, blue.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from bodyswap.frames import RGB, Matte
from bodyswap.nets.generator import Generator
from bodyswap.timing import FrameRange
from bodyswap.training.footage import SubjectFootage
from bodyswap.training.rollout import roll_out

_LEAD_IN_FRAMES = 8
"""Frames rendered before the one shown, from nothing, so that what recurrence does is seen."""


def write_samples(
    path: Path, generator: Generator, footage: SubjectFootage, *, rows: int = 5
) -> None:
    """One row a frame, the frames spread over the footage; each reached on its own output."""
    device = next(generator.parameters()).device
    strips = []
    for index in _spread(footage, rows):
        first = max(start for start in footage.clip_starts if start <= index)
        stretch = FrameRange(start=max(first, index - _LEAD_IN_FRAMES), stop=index + 1)
        poses = footage.poses.cut(stretch)
        rolled = roll_out(generator, poses, footage.background_HW3, device)
        strips.append(
            np.concatenate(
                [
                    _grey(rolled.pose_NHW[-1]),
                    rolled.previous_NHW3[-1],
                    rolled.rgb_NHW3[-1],
                    _grey(rolled.matte_NHW[-1]),
                    footage.rgb_NHW3[index],
                ],
                axis=1,
            )
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(strips)).save(path)


def _spread(footage: SubjectFootage, rows: int) -> list[int]:
    return [round((place + 0.5) / rows * (len(footage) - 1)) for place in range(rows)]


def _grey(values_HW: Matte) -> RGB:
    return np.repeat((values_HW[..., None] * 255).astype(np.uint8), 3, axis=2)
