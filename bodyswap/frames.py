"""Pixels that travel with their time.

Shape letters: N frames, H rows, W columns, 3 = red, green, blue; 8-bit, full range.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

RGB = npt.NDArray[np.uint8]
RGBA = npt.NDArray[np.uint8]
"""Straight, not multiplied: colour that is valid where the fourth channel is above 0."""
Matte = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class FrameBatch:
    """Consecutive frames of one clip.

    `first_index` is the clip's own frame index of the first one; `pts` count ticks of `time_base`.
    """

    rgb_NHW3: RGB
    pts: tuple[int, ...]
    first_index: int
    time_base: Fraction

    def __post_init__(self) -> None:
        shape = self.rgb_NHW3.shape
        if self.rgb_NHW3.dtype != np.uint8 or len(shape) != 4 or shape[3] != 3:
            raise ValueError(f"frames must be uint8 (N, H, W, 3), not {shape}")
        if len(self.pts) != shape[0]:
            raise ValueError(f"{shape[0]} frames came with {len(self.pts)} pts")

    def __len__(self) -> int:
        return len(self.pts)


@dataclass(frozen=True, kw_only=True)
class RenderedFrame:
    """The subject, rendered: colour that is valid under `matte_HW`, a soft alpha in [0, 1]."""

    rgb_HW3: RGB
    matte_HW: Matte
    index: int
