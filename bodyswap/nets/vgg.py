"""VGG-16's convolutional stack, for the perceptual loss, from a weights file.

It does not know the loss, nor fetch anything: without a file there is no perceptual loss.

Shape letters: B batch, C channels, H rows, W columns, 3 = red, green, blue in [-1, 1].
"""

from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor, nn

from bodyswap.errors import UsageError

_CHANNELS = (64, 64, 0, 128, 128, 0, 256, 256, 256)
"""VGG-16 (Simonyan and Zisserman 2015) up to relu3_3; 0 halves the picture."""

_TAPS = (3, 8, 15)
"""torchvision's indices of relu1_2, relu2_2, relu3_3."""

_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


class VggFeatures(nn.Module):
    """ImageNet features at three depths; frozen."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inside = 3
        for outside in _CHANNELS:
            if outside == 0:
                layers.append(nn.MaxPool2d(2))
                continue
            layers += [nn.Conv2d(inside, outside, 3, padding=1), nn.ReLU()]
            inside = outside
        self.features = nn.Sequential(*layers)
        self.mean_1311: Tensor
        self.deviation_1311: Tensor
        self.register_buffer("mean_1311", torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.register_buffer("deviation_1311", torch.tensor(_DEVIATION).view(1, 3, 1, 1))
        self.requires_grad_(False)

    def forward(self, rgb_B3HW: Tensor) -> list[Tensor]:
        features_BCHW = ((rgb_B3HW + 1) / 2 - self.mean_1311) / self.deviation_1311
        taken = []
        for index, layer in enumerate(self.features):
            features_BCHW = layer(features_BCHW)
            if index in _TAPS:
                taken.append(features_BCHW)
        return taken


def load_vgg(path: Path) -> VggFeatures:
    """The stack with weights under torchvision's own names ("features.0.weight", ...).

    Raises:
        UsageError: the file is missing, or is not VGG-16's weights.
    """
    if not path.is_file():
        raise UsageError(f"VGG weights '{path}' are not there; give a file, or none to go without")
    network = VggFeatures()
    wanted = [name for name in network.state_dict() if name.startswith("features.")]
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict({name: stored[name] for name in wanted}, strict=False)
    except (RuntimeError, KeyError, ValueError, EOFError, UnpicklingError) as error:
        why = str(error).splitlines()[0]
        raise UsageError(f"'{path}' does not hold VGG-16's weights: {why}") from error
    return network.eval()
