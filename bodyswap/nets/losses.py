"""The losses: least-squares GAN, feature matching, perceptual, and plain ones near the person.

They do not know networks, only what those said. Each is a mean over pictures, to which every
picture gives what it would alone: so it comes to the same where the pictures are shared out.

Shape letters: B batch, C channels, H rows, W columns, 3 = red, green, blue in [-1, 1].
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from bodyswap.nets.discriminators import Verdict
from bodyswap.nets.vgg import VggFeatures

_SHADOW = 0.06
"""A change from the background, in [-1, 1], that the person's shadow may explain."""


def discriminator_loss(real: Sequence[Verdict], rendered: Sequence[Verdict]) -> Tensor:
    """Least squares (Mao et al. 2017): real patches toward 1, rendered ones toward 0."""
    terms = [
        (true.score_B1HW - 1).square().mean() + false.score_B1HW.square().mean()
        for true, false in zip(real, rendered, strict=True)
    ]
    return torch.stack(terms).mean() / 2


def adversarial_loss(rendered: Sequence[Verdict]) -> Tensor:
    """How far the discriminator is from taking rendered patches for real."""
    return torch.stack([(verdict.score_B1HW - 1).square().mean() for verdict in rendered]).mean()


def feature_matching_loss(real: Sequence[Verdict], rendered: Sequence[Verdict]) -> Tensor:
    """L1 between the discriminator's features of the two (Wang et al. 2018)."""
    terms = [
        F.l1_loss(false_BCHW.float(), true_BCHW.detach().float())
        for true, false in zip(real, rendered, strict=True)
        for true_BCHW, false_BCHW in zip(true.features, false.features, strict=True)
    ]
    return torch.stack(terms).mean()


def perceptual_loss(vgg: VggFeatures, rendered_B3HW: Tensor, real_B3HW: Tensor) -> Tensor:
    """L1 between VGG-16's features, each depth by its own magnitude (Johnson et al. 2016)."""
    with torch.no_grad():
        wanted = vgg(real_B3HW)
    terms = [
        _mean_B(got.float() - want.float()) / (_mean_B(want.float()) + 1e-3)
        for got, want in zip(vgg(rendered_B3HW), wanted, strict=True)
    ]
    return torch.stack(terms).mean()


def _mean_B(values_BCHW: Tensor) -> Tensor:
    return values_BCHW.abs().mean(dim=(1, 2, 3))


def weighted_l1(rendered_BCHW: Tensor, real_BCHW: Tensor, weight_B1HW: Tensor) -> Tensor:
    """Mean absolute difference, each pixel of a picture by its weight."""
    difference_BCHW = (rendered_BCHW - real_BCHW).abs() * weight_B1HW
    over_B = weight_B1HW.sum(dim=(1, 2, 3)) * rendered_BCHW.shape[1]
    return (difference_BCHW.sum(dim=(1, 2, 3)) / over_B.clamp(min=1)).mean()


def matte_loss(
    matte_B1HW: Tensor, wanted_B1HW: Tensor, real_B3HW: Tensor, background_B3HW: Tensor
) -> Tensor:
    """L1 to the wanted matte, but where the frame shows a shadow outside it.

    There the matte is left free, so that a dark, thin alpha may carry the shadow along.
    """
    changed_B1HW = (real_B3HW - background_B3HW).abs().amax(dim=1, keepdim=True) > _SHADOW
    is_shadow_B1HW = changed_B1HW & (wanted_B1HW < 0.05)
    return weighted_l1(matte_B1HW, wanted_B1HW, (~is_shadow_B1HW).float())


def agreement_loss(rendered_B3HW: Tensor, wanted_B3HW: Tensor, weight_B1HW: Tensor) -> Tensor:
    """L1 to a render of the same pose that came another way, and is not itself moved by this.

    With two renders that began from different previous frames, what makes the recurrence contract;
    with one frame rendered on the way there and on the way back, the ping-pong loss of TecoGAN
    (Chu et al. 2020).
    """
    return weighted_l1(rendered_B3HW, wanted_B3HW.detach(), weight_B1HW)
