"""One training step: roll the generator over a few frames of its own output, and learn.

It does not know where batches come from, when to stop, or what is saved.

Shape letters: B sequences, T frames, L limbs, H rows, W columns, 3 = red, green, blue in [-1, 1].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bodyswap.keypoints.posemap import draw_pose_map
from bodyswap.nets.discriminators import MultiScaleDiscriminator, Verdict
from bodyswap.nets.generator import Generator, GeneratorConfig
from bodyswap.nets.losses import (
    adversarial_loss,
    discriminator_loss,
    feature_matching_loss,
    matte_loss,
    perceptual_loss,
    weighted_l1,
)
from bodyswap.nets.vgg import VggFeatures
from bodyswap.training.config import TrainingConfig
from bodyswap.training.dataset import Batch

LOSSES = ("pixel", "matte", "perceptual", "adversarial", "matching", "temporal", "discriminator")


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One frame of the rollout, and the one before it."""

    pose_BLHW: Tensor
    real_B3HW: Tensor
    matte_B1HW: Tensor
    background_B3HW: Tensor
    pose_before_BLHW: Tensor
    real_before_B3HW: Tensor
    rendered_before_B3HW: Tensor | None


class Trainer:
    """The networks in training, their optimisers, and the generator's running average."""

    def __init__(
        self,
        config: TrainingConfig,
        pose_channels: int,
        vgg: VggFeatures | None,
        device: torch.device,
    ) -> None:
        sizes = config.networks
        torch.manual_seed(config.seed)
        self.config = config
        self.device = device
        self.generator = Generator(
            GeneratorConfig(
                pose_channels=pose_channels,
                first_channels=sizes.first_channels,
                most_channels=sizes.most_channels,
                downsamplings=sizes.downsamplings,
                residual_blocks=sizes.residual_blocks,
            )
        ).to(device)
        self.frame_judge = _judge(pose_channels + 3, config).to(device)
        self.time_judge = _judge(2 * (pose_channels + 3), config).to(device)
        self.average = {name: value.clone() for name, value in self._weights().items()}
        self.vgg = vgg.to(device) if vgg else None
        self.generator_optimiser = torch.optim.Adam(
            self.generator.parameters(), lr=config.learning_rate, betas=(0.5, 0.99), fused=True
        )
        self.judge_optimiser = torch.optim.Adam(
            [*self.frame_judge.parameters(), *self.time_judge.parameters()],
            lr=config.discriminator_rate,
            betas=(0.5, 0.99),
            fused=True,
        )
        self.updates = 0

    def state(self) -> dict[str, Any]:
        """Everything the next step depends on, as `torch.save` takes it."""
        return {
            "updates": self.updates,
            "generator": self.generator.state_dict(),
            "average": self.average,
            "frame_judge": self.frame_judge.state_dict(),
            "time_judge": self.time_judge.state_dict(),
            "generator_optimiser": self.generator_optimiser.state_dict(),
            "judge_optimiser": self.judge_optimiser.state_dict(),
        }

    def restore(self, stored: dict[str, Any]) -> None:
        """Go on from what `state` gave, of networks of the same sizes."""
        self.generator.load_state_dict(stored["generator"])
        self.frame_judge.load_state_dict(stored["frame_judge"])
        self.time_judge.load_state_dict(stored["time_judge"])
        self.generator_optimiser.load_state_dict(stored["generator_optimiser"])
        self.judge_optimiser.load_state_dict(stored["judge_optimiser"])
        self.average = stored["average"]
        self.updates = int(stored["updates"])

    def train(self, batch: Batch, step: int, done: float) -> Mapping[str, float]:
        """One rollout, an update after each frame; `done` is the budget's spent fraction.

        Returns the mean of each loss of LOSSES over the rollout.
        """
        self._set_rates(done)
        chance = torch.Generator().manual_seed(self.config.seed * 1_000_003 + step)
        batch = batch.to(self.device)
        height, width = batch.real_BT3HW.shape[-2:]
        poses = [
            draw_pose_map(
                batch.keypoints_BTK2[:, t],
                batch.confidence_BTK[:, t],
                batch.skeleton,
                height,
                width,
            )
            for t in range(batch.real_BT3HW.shape[1])
        ]
        sums = dict.fromkeys(LOSSES, 0.0)
        rendered_B3HW: Tensor | None = None
        for t in range(1, len(poses)):
            moment = Moment(
                pose_BLHW=poses[t],
                real_B3HW=batch.real_BT3HW[:, t],
                matte_B1HW=batch.matte_BT1HW[:, t],
                background_B3HW=batch.background_B3HW,
                pose_before_BLHW=poses[t - 1],
                real_before_B3HW=batch.real_BT3HW[:, t - 1],
                rendered_before_B3HW=rendered_B3HW,
            )
            rendered_B3HW, losses = self._learn(moment, chance, done)
            for name, value in losses.items():
                sums[name] += float(value) / (len(poses) - 1)
        self._update_average()
        return sums

    def _learn(
        self, moment: Moment, chance: torch.Generator, done: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        previous_B3HW = self._cloud_previous(moment, chance)
        is_adversarial = done >= self.config.adversarial_from
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.low_precision):
            output = self.generator(moment.pose_BLHW, previous_B3HW)
            frame_B3HW = output.over(moment.background_B3HW)
            losses = self._supervised(frame_B3HW, output.matte_B1HW, moment)
            if is_adversarial:
                losses |= self._judged(frame_B3HW, moment)
        total = self._total(losses)
        self.generator_optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(total)
        self.generator_optimiser.step()
        if is_adversarial:
            losses["discriminator"] = self._teach_judges(frame_B3HW.detach(), moment)
        return _quantised(frame_B3HW.detach()), {k: v.detach() for k, v in losses.items()}

    def _cloud_previous(self, moment: Moment, chance: torch.Generator) -> Tensor:
        """The previous frame as the renderer would give it, noised; sometimes there is none."""
        before_B3HW = moment.rendered_before_B3HW
        is_first = before_B3HW is None
        if before_B3HW is None:
            before_B3HW = moment.real_before_B3HW
        odds = self.config.disturbance.previous_zeroed * (1.0 if is_first else 0.2)
        count = before_B3HW.shape[0]
        kept_B = (torch.rand(count, generator=chance) >= odds).float()
        level_B = torch.rand(count, generator=chance) * self.config.disturbance.previous_noise
        noise_B3HW = torch.randn(before_B3HW.shape, generator=chance) * level_B.view(-1, 1, 1, 1)
        noisy_B3HW = before_B3HW + noise_B3HW.to(self.device)
        return noisy_B3HW * kept_B.to(self.device).view(-1, 1, 1, 1)

    def _supervised(
        self, frame_B3HW: Tensor, matte_B1HW: Tensor, moment: Moment
    ) -> dict[str, Tensor]:
        near_B1HW = F.max_pool2d(moment.matte_B1HW, 9, 1, 4)
        weight_B1HW = 1 + self.config.losses.person * near_B1HW
        losses = {
            "pixel": weighted_l1(frame_B3HW, moment.real_B3HW, weight_B1HW),
            "matte": matte_loss(
                matte_B1HW, moment.matte_B1HW, moment.real_B3HW, moment.background_B3HW
            ),
        }
        if self.vgg is not None:
            factor = self.config.vgg_scale
            losses["perceptual"] = perceptual_loss(
                self.vgg, _shrunk(frame_B3HW, factor), _shrunk(moment.real_B3HW, factor)
            )
        return losses

    def _judged(self, frame_B3HW: Tensor, moment: Moment) -> dict[str, Tensor]:
        for judge in (self.frame_judge, self.time_judge):
            judge.requires_grad_(False)
        with torch.no_grad():
            real = self._frame_verdict(moment.real_B3HW, moment)
        rendered = self._frame_verdict(frame_B3HW, moment)
        losses = {
            "adversarial": adversarial_loss(rendered),
            "matching": feature_matching_loss(real, rendered),
        }
        if moment.rendered_before_B3HW is not None:
            before_B3HW = moment.rendered_before_B3HW
            losses["temporal"] = adversarial_loss(
                self._time_verdict(before_B3HW, frame_B3HW, moment)
            )
        return losses

    def _teach_judges(self, frame_B3HW: Tensor, moment: Moment) -> Tensor:
        for judge in (self.frame_judge, self.time_judge):
            judge.requires_grad_(True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.low_precision):
            loss = discriminator_loss(
                self._frame_verdict(moment.real_B3HW, moment),
                self._frame_verdict(frame_B3HW, moment),
            )
            if moment.rendered_before_B3HW is not None:
                loss = loss + discriminator_loss(
                    self._time_verdict(moment.real_before_B3HW, moment.real_B3HW, moment),
                    self._time_verdict(moment.rendered_before_B3HW, frame_B3HW, moment),
                )
        self.judge_optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self.judge_optimiser.step()
        return loss

    def _frame_verdict(self, frame_B3HW: Tensor, moment: Moment) -> list[Verdict]:
        verdicts: list[Verdict] = self.frame_judge(torch.cat([moment.pose_BLHW, frame_B3HW], 1))
        return verdicts

    def _time_verdict(
        self, before_B3HW: Tensor, frame_B3HW: Tensor, moment: Moment
    ) -> list[Verdict]:
        seen = [moment.pose_before_BLHW, moment.pose_BLHW, before_B3HW, frame_B3HW]
        verdicts: list[Verdict] = self.time_judge(torch.cat(seen, 1))
        return verdicts

    def _total(self, losses: Mapping[str, Tensor]) -> Tensor:
        weights = self.config.losses
        counts = {
            "pixel": weights.pixel,
            "matte": weights.matte,
            "perceptual": weights.perceptual,
            "adversarial": weights.adversarial,
            "matching": weights.feature_matching,
            "temporal": weights.temporal,
        }
        return torch.stack([counts[name] * loss for name, loss in losses.items()]).sum()

    def _set_rates(self, done: float) -> None:
        tail = (1 - done) / max(1e-6, 1 - self.config.decay_from)
        factor = max(0.05, min(1.0, tail))
        warm = min(1.0, (self.updates + 1) / 50)
        for optimiser, rate in (
            (self.generator_optimiser, self.config.learning_rate),
            (self.judge_optimiser, self.config.discriminator_rate),
        ):
            for group in optimiser.param_groups:
                group["lr"] = rate * factor * warm

    def _update_average(self) -> None:
        self.updates += 1
        decay = min(self.config.average_decay, (1 + self.updates) / (10 + self.updates))
        for name, value in self._weights().items():
            self.average[name].lerp_(value, 1 - decay)

    def _weights(self) -> dict[str, Tensor]:
        return {name: value.detach() for name, value in self.generator.state_dict().items()}


def _judge(channels: int, config: TrainingConfig) -> nn.Module:
    return MultiScaleDiscriminator(
        channels,
        first_channels=config.networks.discriminator_channels,
        scales=config.networks.discriminator_scales,
    )


def _quantised(frame_B3HW: Tensor) -> Tensor:
    """As an 8-bit frame would hold it."""
    return ((frame_B3HW + 1) * 127.5).round() / 127.5 - 1


def _shrunk(rgb_B3HW: Tensor, factor: float) -> Tensor:
    if factor == 1:
        return rgb_B3HW
    return F.interpolate(rgb_B3HW, scale_factor=factor, mode="bilinear", antialias=True)
