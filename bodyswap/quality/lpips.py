"""LPIPS: how differently two pictures strike a network that sees (Zhang et al., CVPR 2018).

It does not know video, and fetches nothing: the AlexNet features and the learnt weights come from
two files. Shape letters: B batch, C channels, H rows, W columns, 3 = red, green, blue in [-1, 1].
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from bodyswap.errors import UsageError

FEATURES = "alexnet_features_torchvision_keys.pth"
WEIGHTS = "lpips_lin_alex.pth"
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
_TAPS = (1, 4, 7, 9, 11)
"""torchvision's indices of AlexNet's five rectifiers."""
_CHANNELS = (64, 192, 384, 256, 256)


class Lpips(nn.Module):
    """Perceptual distance, version 0.1, on AlexNet."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.lin = nn.ModuleList(nn.Conv2d(width, 1, 1, bias=False) for width in _CHANNELS)
        self.requires_grad_(False)

    def forward(self, one_B3HW: Tensor, other_B3HW: Tensor) -> Tensor:
        """The distance of each pair, (B); 0 for equal pictures."""
        distance_B = torch.zeros(len(one_B3HW), device=one_B3HW.device)
        for weigh, one, other in zip(
            self.lin, self._unit_features(one_B3HW), self._unit_features(other_B3HW), strict=True
        ):
            distance_B = distance_B + weigh((one - other) ** 2).mean(dim=(1, 2, 3))
        return distance_B

    def _unit_features(self, rgb_B3HW: Tensor) -> list[Tensor]:
        shift = rgb_B3HW.new_tensor(_SHIFT)[:, None, None]
        scale = rgb_B3HW.new_tensor(_SCALE)[:, None, None]
        taken, current = [], (rgb_B3HW - shift) / scale
        for index, layer in enumerate(self.features):
            current = layer(current)
            if index in _TAPS:
                taken.append(current / (current.norm(dim=1, keepdim=True) + 1e-10))
        return taken


def load_lpips(folder: Path) -> Lpips:
    """LPIPS with the weights in `folder`, under the names of `FEATURES` and `WEIGHTS`.

    Raises:
        UsageError: a file is missing or holds something else.
    """
    lpips = Lpips()
    state = _read(folder / FEATURES)
    for name, value in _read(folder / WEIGHTS).items():
        state[f"lin.{name.removeprefix('lin')[0]}.weight"] = value
    try:
        lpips.load_state_dict(state)
    except RuntimeError as error:
        raise UsageError(f"the files in {folder} are not LPIPS's AlexNet weights") from error
    return lpips.eval()


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise UsageError(f"LPIPS weights {path} are missing; leave out --weights to go without")
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state
