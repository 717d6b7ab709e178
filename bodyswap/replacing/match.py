"""Match: the plate's light and grain for what is laid into it.

The subject's light is brought towards the plate's by the ratio of the two sets' linear light, one
gain a channel for a whole scene, so that nothing can flicker. Grain is the plate's own strength,
drawn anew for each frame from its number alone.
Shape letters: H rows, W columns, 3 = red, green, blue.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from kornia.color import linear_rgb_to_rgb, rgb_to_linear_rgb
from kornia.filters import gaussian_blur2d

from bodyswap.frames import RGB

Levels = npt.NDArray[np.float32]
"""Display values on the scale of 0 to 255, not yet rounded."""
_STRENGTH = 0.5
"""A white wall behind somebody is no proof of more light on them: half of the way is gone."""
_MOST_GAIN = 1.6
_GRAIN_SIGMA_PX = 0.5


@dataclass(frozen=True, kw_only=True)
class Gains:
    """A factor of linear light for each of red, green and blue."""

    rgb_3: tuple[float, float, float]

    def on(self, rgb_HW3: RGB) -> Levels:
        """The picture in this light."""
        linear = rgb_to_linear_rgb(_tensor(rgb_HW3)) * torch.tensor(self.rgb_3).view(1, 3, 1, 1)
        return _levels(linear_rgb_to_rgb(linear.clamp(0, 1)))


def gains_between(plate_HW3: RGB, subject_HW3: RGB) -> Gains:
    """What takes the light of the subject's set towards that of the plate's."""
    plate, subject = (
        rgb_to_linear_rgb(_tensor(picture)).mean(dim=(0, 2, 3)).clamp_min(1e-3)
        for picture in (plate_HW3, subject_HW3)
    )
    gains = (plate / subject).clamp(1 / _MOST_GAIN**2, _MOST_GAIN**2) ** _STRENGTH
    red, green, blue = gains.tolist()
    return Gains(rgb_3=(red, green, blue))


def grain(frame: int, height: int, width: int, noise_3: npt.NDArray[np.float32]) -> Levels:
    """The frame's own grain, of the strength given, in levels; the same whoever makes it."""
    random = torch.Generator().manual_seed(frame)
    white = torch.randn(1, 3, height, width, generator=random)
    soft = gaussian_blur2d(white, (3, 3), (_GRAIN_SIGMA_PX, _GRAIN_SIGMA_PX))
    even = soft / soft.std(dim=(2, 3), keepdim=True).clamp_min(1e-6)
    return _to_HW3(even) * noise_3


def _tensor(rgb_HW3: RGB) -> torch.Tensor:
    writable_HW3 = np.require(rgb_HW3, requirements=("C", "W"))
    return torch.from_numpy(writable_HW3).permute(2, 0, 1)[None].float() / 255


def _levels(picture_13HW: torch.Tensor) -> Levels:
    return _to_HW3(picture_13HW) * np.float32(255)


def _to_HW3(picture_13HW: torch.Tensor) -> Levels:
    return np.ascontiguousarray(picture_13HW[0].permute(1, 2, 0).numpy())
