"""The discriminators: is this frame the subject in this pose; do these frames follow each other?

They do not know losses or training.

Multi-scale PatchGAN (Wang et al. 2018), and the same network over consecutive frames for time
(Chan et al. 2019).

Shape letters: B batch, C channels, H rows, W columns.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One scale's patch scores (1 = real), and the features that led to them."""

    score_B1HW: Tensor
    features: tuple[Tensor, ...]


class MultiScaleDiscriminator(nn.Module):
    """The same patch network at full size, half size, and so on; conditioned by concatenation."""

    def __init__(self, channels: int, *, first_channels: int, scales: int = 2) -> None:
        super().__init__()
        self.scales = nn.ModuleList(
            PatchDiscriminator(channels, first_channels) for _ in range(scales)
        )

    def forward(self, seen_BCHW: Tensor) -> list[Verdict]:
        verdicts = []
        for number, scale in enumerate(self.scales):
            if number:
                seen_BCHW = F.avg_pool2d(seen_BCHW, 2)
            verdicts.append(scale(seen_BCHW))
        return verdicts


class PatchDiscriminator(nn.Module):
    """Four convolutions and a score for each 34x34 patch."""

    def __init__(self, channels: int, first_channels: int) -> None:
        super().__init__()
        width = first_channels
        self.layers = nn.ModuleList(
            (
                nn.Sequential(nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)),
                _layer(width, width * 2, stride=2),
                _layer(width * 2, width * 4, stride=1),
            )
        )
        self.score = nn.Conv2d(width * 4, 1, 3, 1, 1)

    def forward(self, seen_BCHW: Tensor) -> Verdict:
        features = []
        for layer in self.layers:
            seen_BCHW = layer(seen_BCHW)
            features.append(seen_BCHW)
        return Verdict(score_B1HW=self.score(seen_BCHW).float(), features=tuple(features))


def _layer(inside: int, outside: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 4, stride, 1, bias=False),
        nn.InstanceNorm2d(outside, affine=True),
        nn.LeakyReLU(0.2),
    )
