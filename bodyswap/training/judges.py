"""The discriminators in training, and the pairs of real and rendered pictures they are shown.

They do not know the generator, nor what else it is taught.

One judges frames, one for each stride judges two frames that far apart (Chan et al. 2019), one
for each kind of close-up judges those; all are conditioned on the pose.

Shape letters: B sequences, C channels, L limbs, H rows, W columns, 3 = red, green, blue in [-1, 1].
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from bodyswap.nets.closeup import CloseUp, cut_closeup, find_closeup
from bodyswap.nets.discriminators import MultiScaleDiscriminator
from bodyswap.nets.generator import GeneratorConfig
from bodyswap.nets.losses import adversarial_loss, discriminator_loss, feature_matching_loss
from bodyswap.training.config import NetworkSettings, TrainingConfig

FRAME, CLOSEUP, TIME = "frame", "closeup", "time"
_SMALLEST_SIDE_PX = 16


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A pose with the picture that was filmed and the one that was rendered of it.

    `share` is how many pictures these are, of those an average replica was shown.
    """

    pose_BLHW: Tensor
    real_B3HW: Tensor
    rendered_B3HW: Tensor
    share: float = 1.0

    def closeup(self, closeup: CloseUp) -> "Shown | None":
        """The close-up of each picture that has one; None where no picture has."""
        corners, is_there_B = find_closeup(self.pose_BLHW, closeup)
        rows = is_there_B.nonzero()[:, 0].tolist()
        if not rows:
            return None
        places = [corners[row] for row in rows]
        pose_BLHW = self.pose_BLHW[rows][:, list(closeup.channels)]
        return Shown(
            pose_BLHW=cut_closeup(pose_BLHW, places, closeup.side_px),
            real_B3HW=cut_closeup(self.real_B3HW[rows], places, closeup.side_px),
            rendered_B3HW=cut_closeup(self.rendered_B3HW[rows], places, closeup.side_px),
        )


@dataclass(frozen=True, kw_only=True)
class _Sight:
    """What one judge sees: conditioned pictures that are real, and rendered ones."""

    sort: str
    judge: nn.Module
    real_BCHW: Tensor
    rendered_BCHW: Tensor
    share: float


class Judges(nn.Module):
    """Every discriminator of a run."""

    def __init__(self, generator: GeneratorConfig, config: TrainingConfig) -> None:
        super().__init__()
        sizes, pose_channels = config.networks, generator.pose_channels
        self._closeup_share = config.losses.closeup_share
        self.frame = _judge(pose_channels + 3, sizes)
        self.time = nn.ModuleDict(
            {
                str(stride): _judge(2 * (pose_channels + 3), sizes)
                for stride in sizes.temporal_strides
            }
        )
        kinds = {closeup.kind: closeup for closeup in generator.closeups}
        self.closeups = nn.ModuleDict(
            {
                kind: _judge(
                    len(closeup.channels) + 3,
                    replace(sizes, discriminator_scales=_scales(closeup.side_px, sizes)),
                )
                for kind, closeup in kinds.items()
            }
        )

    def persuade(
        self, now: Shown, past: Mapping[int, Shown], closeups: Mapping[str, Sequence[Shown]]
    ) -> dict[str, Tensor]:
        """What the generator loses by being seen through: adversarial, matching and temporal.

        `past` holds what was shown so many frames ago, `closeups` those of each kind, of now.
        """
        self.requires_grad_(False)
        sums: dict[str, list[Tensor]] = {"adversarial": [], "matching": [], "temporal": []}
        for sight in self._sights(now, past, closeups):
            rendered = sight.judge(sight.rendered_BCHW)
            if sight.sort == TIME:
                sums["temporal"].append(adversarial_loss(rendered))
                continue
            share = sight.share * (self._closeup_share if sight.sort == CLOSEUP else 1.0)
            with torch.no_grad():
                real = sight.judge(sight.real_BCHW)
            sums["adversarial"].append(share * adversarial_loss(rendered))
            sums["matching"].append(share * feature_matching_loss(real, rendered))
        return {name: torch.stack(terms).sum() for name, terms in sums.items() if terms}

    def learn(
        self, now: Shown, past: Mapping[int, Shown], closeups: Mapping[str, Sequence[Shown]]
    ) -> Tensor:
        """What the judges themselves lose by not telling the two apart."""
        self.requires_grad_(True)
        losses = [
            sight.share
            * discriminator_loss(
                sight.judge(sight.real_BCHW), sight.judge(sight.rendered_BCHW.detach())
            )
            for sight in self._sights(now, past, closeups)
        ]
        return torch.stack(losses).sum()

    def _sights(
        self, now: Shown, past: Mapping[int, Shown], closeups: Mapping[str, Sequence[Shown]]
    ) -> list[_Sight]:
        sights = [_sight(FRAME, self.frame, [now])]
        for stride, judge in self.time.items():
            if int(stride) in past:
                sights.append(_sight(TIME, judge, [past[int(stride)], now]))
        for kind, shown in closeups.items():
            sights += [_sight(CLOSEUP, self.closeups[kind], [each]) for each in shown]
        return sights


def _sight(sort: str, judge: nn.Module, shown: Sequence[Shown]) -> _Sight:
    poses = [each.pose_BLHW for each in shown]
    return _Sight(
        sort=sort,
        judge=judge,
        real_BCHW=torch.cat([*poses, *(each.real_B3HW for each in shown)], 1),
        rendered_BCHW=torch.cat([*poses, *(each.rendered_B3HW for each in shown)], 1),
        share=shown[-1].share,
    )


def _scales(side_px: int, sizes: NetworkSettings) -> int:
    """As many as leave a small picture large enough for patches."""
    most = max(1, (side_px // _SMALLEST_SIDE_PX).bit_length())
    return min(sizes.discriminator_scales, most)


def _judge(channels: int, sizes: NetworkSettings) -> MultiScaleDiscriminator:
    return MultiScaleDiscriminator(
        channels, first_channels=sizes.discriminator_channels, scales=sizes.discriminator_scales
    )
