"""One training step: roll the generator over a few frames of its own output, and learn.

It does not know where batches come from, when to stop, or what is saved.

Shape letters: B sequences, T frames, L limbs, H rows, W columns, 3 = red, green, blue in [-1, 1].
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from bodyswap.keypoints.posemap import draw_pose_map
from bodyswap.nets.generator import Generator, GeneratorConfig, GeneratorOutput
from bodyswap.nets.losses import agreement_loss, matte_loss, perceptual_loss, weighted_l1
from bodyswap.nets.vgg import VggFeatures
from bodyswap.training.config import TrainingConfig
from bodyswap.training.dataset import Batch
from bodyswap.training.history import as_stored, first_previous, next_previous
from bodyswap.training.judges import Judges, Shown
from bodyswap.training.replica import ALONE, Replica, average_gradients

LOSSES = (
    "pixel", "matte", "perceptual", "closeup", "contraction", "ping_pong",
    "adversarial", "matching", "temporal", "discriminator",
)  # fmt: skip
_NEAR_PX = 9
"""How wide the neighbourhood is that counts as near the person."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One frame of the rollout: what it should be, and what is known of it already.

    The last `twins` sequences are the first ones again. `there` is the same frame as rendered on
    the rollout's way there, None where it is met for the first time. `past` are the main
    sequences' frames, by how many frames ago they were.
    """

    pose_BLHW: Tensor
    real_B3HW: Tensor
    matte_B1HW: Tensor
    background_B3HW: Tensor
    previous_B3HW: Tensor
    twins: int
    there_B3HW: Tensor | None
    past: Mapping[int, Shown]

    @property
    def main(self) -> int:
        """How many sequences there are, without the twins."""
        return len(self.pose_BLHW) - self.twins

    def shown(self, rendered_B3HW: Tensor) -> Shown:
        """The main sequences with what was rendered of them."""
        return Shown(
            pose_BLHW=self.pose_BLHW[: self.main],
            real_B3HW=self.real_B3HW[: self.main],
            rendered_B3HW=rendered_B3HW[: self.main],
        )


class Trainer:
    """The networks in training, their optimisers, and the generator's running average.

    Every replica holds the same ones, and learns the same from all replicas' batches.
    """

    def __init__(
        self,
        config: TrainingConfig,
        generator: GeneratorConfig,
        vgg: VggFeatures | None,
        device: torch.device,
        replica: Replica = ALONE,
    ) -> None:
        torch.manual_seed(config.seed)
        self.config, self.replica = config, replica
        self.device = device
        self.generator = Generator(generator).to(device)
        self.judges = Judges(generator, config)
        self.judges.to(device)
        self.average = {name: value.clone() for name, value in self._weights().items()}
        self.vgg = vgg.to(device) if vgg else None
        self.generator_optimiser = torch.optim.Adam(
            self.generator.parameters(), lr=config.learning_rate, betas=(0.5, 0.99), fused=True
        )
        self.judge_optimiser = torch.optim.Adam(
            self.judges.parameters(), lr=config.discriminator_rate, betas=(0.5, 0.99), fused=True
        )
        self.updates = 0

    def state(self) -> dict[str, Any]:
        """Everything the next step depends on, as `torch.save` takes it."""
        return {
            "updates": self.updates,
            "generator": self.generator.state_dict(),
            "average": self.average,
            "judges": self.judges.state_dict(),
            "generator_optimiser": self.generator_optimiser.state_dict(),
            "judge_optimiser": self.judge_optimiser.state_dict(),
        }

    def restore(self, stored: dict[str, Any]) -> None:
        """Go on from what `state` gave, of networks of the same sizes."""
        self.generator.load_state_dict(stored["generator"])
        self.judges.load_state_dict(stored["judges"])
        self.generator_optimiser.load_state_dict(stored["generator_optimiser"])
        self.judge_optimiser.load_state_dict(stored["judge_optimiser"])
        self.average = stored["average"]
        self.updates = int(stored["updates"])

    def train(self, batch: Batch, done: float) -> Mapping[str, float]:
        """One rollout, an update after each frame; `done` is the budget's spent fraction.

        Until `half_size_until` the batch must be of small frames: the global generator learns
        alone. Returns the mean of each loss of LOSSES over the rollout's frames, on all replicas.
        """
        self._set_rates(done)
        chances = [torch.Generator().manual_seed(seed) for seed in batch.seeds]
        batch = batch.to(self.device)
        poses = [self._pose_map(batch, t) for t in range(batch.real_BT3HW.shape[1])]
        order = self.config.play_order
        sums = torch.zeros(len(LOSSES), device=self.device)
        shown: list[Shown] = []
        rendered: dict[int, Tensor] = {}
        previous_B3HW = first_previous(
            batch.real_BT3HW[:, 0], batch.real_BT3HW[:, -1], batch.twins, self.config.disturbance,
            chances,
        )  # fmt: skip
        for place, t in enumerate(order):
            moment = Moment(
                pose_BLHW=poses[t],
                real_B3HW=batch.real_BT3HW[:, t],
                matte_B1HW=batch.matte_BT1HW[:, t],
                background_B3HW=batch.background_B3HW,
                previous_B3HW=previous_B3HW,
                twins=batch.twins,
                there_B3HW=rendered.get(t),
                past=self._past(shown, order, place),
            )
            rendered[t], losses = self._learn(moment, done)
            previous_B3HW = next_previous(rendered[t], self.config.disturbance, chances)
            shown.append(moment.shown(as_stored(rendered[t])))
            for name, value in losses.items():
                sums[LOSSES.index(name)] += value / len(order)
        self._update_average()
        self.replica.average(sums)
        return dict(zip(LOSSES, sums.tolist(), strict=True))

    def _pose_map(self, batch: Batch, t: int) -> Tensor:
        height, width = batch.real_BT3HW.shape[-2:]
        return draw_pose_map(
            batch.keypoints_BTK2[:, t],
            batch.confidence_BTK[:, t],
            batch.skeleton,
            height,
            width,
            picture_height=batch.picture_height,
        )

    def _past(self, shown: list[Shown], order: tuple[int, ...], place: int) -> dict[int, Shown]:
        """Frames for the temporal judges; not those where the rollout turned round in between."""
        strides = self.config.networks.temporal_strides
        return {
            stride: shown[place - stride]
            for stride in strides
            if place >= stride and abs(order[place] - order[place - stride]) == stride
        }

    def _learn(self, moment: Moment, done: float) -> tuple[Tensor, dict[str, Tensor]]:
        is_coarse = done < self.config.half_size_until
        is_judged = done >= self.config.adversarial_from
        with self._precision():
            output = self.generator(moment.pose_BLHW, moment.previous_B3HW, is_coarse=is_coarse)
            frame_B3HW = output.over(moment.background_B3HW)
            now = moment.shown(frame_B3HW)
            closeups = {} if is_coarse else self._closeups(now)
            losses = self._supervised(frame_B3HW, output, moment)
            losses |= self._agreeing(frame_B3HW, moment)
            losses |= self._perceived(now, closeups)
            if is_judged:
                losses |= self.judges.persuade(now, moment.past, closeups)
        self.generator_optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(self._total(losses))
        average_gradients(self.replica, self.generator.parameters())
        self.generator_optimiser.step()
        if is_judged:
            losses["discriminator"] = self._teach_judges(now, moment.past, closeups)
        return frame_B3HW.detach(), {name: value.detach() for name, value in losses.items()}

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.low_precision)

    def _closeups(self, now: Shown) -> dict[str, list[Shown]]:
        """Of each kind, those that any picture has; each counts by how many of all have it."""
        closeups = self.generator.config.closeups
        if not closeups:
            return {}
        seen = [now.closeup(closeup) for closeup in closeups]
        counts = torch.tensor([0 if each is None else len(each.real_B3HW) for each in seen])
        usual = counts.to(self.device, torch.float32)
        self.replica.average(usual)
        found: dict[str, list[Shown]] = {}
        for closeup, each, count, mean in zip(closeups, seen, counts, usual.tolist(), strict=True):
            if each is not None:
                share = float(count) / mean
                found.setdefault(closeup.kind, []).append(replace(each, share=share))
        return found

    def _supervised(
        self, frame_B3HW: Tensor, output: GeneratorOutput, moment: Moment
    ) -> dict[str, Tensor]:
        losses = {
            "pixel": weighted_l1(frame_B3HW, moment.real_B3HW, self._weight(moment.matte_B1HW))
        }
        if self.generator.config.has_matte:
            losses["matte"] = matte_loss(
                output.matte_B1HW, moment.matte_B1HW, moment.real_B3HW, moment.background_B3HW
            )
        return losses

    def _agreeing(self, frame_B3HW: Tensor, moment: Moment) -> dict[str, Tensor]:
        """Renders that came another way: the twins', and the same frame's on the way there."""
        losses = {}
        if moment.twins:
            weight_B1HW = self._weight(moment.matte_B1HW[moment.main :])
            losses["contraction"] = agreement_loss(
                frame_B3HW[moment.main :], frame_B3HW[: moment.twins], weight_B1HW
            )
        if moment.there_B3HW is not None:
            losses["ping_pong"] = agreement_loss(
                frame_B3HW, moment.there_B3HW, self._weight(moment.matte_B1HW)
            )
        return losses

    def _perceived(self, now: Shown, closeups: Mapping[str, list[Shown]]) -> dict[str, Tensor]:
        near = [each for shown in closeups.values() for each in shown]
        losses = {}
        if near:
            terms = [each.share * F.l1_loss(each.rendered_B3HW, each.real_B3HW) for each in near]
            losses["closeup"] = torch.stack(terms).sum() / len(self.generator.config.closeups)
        if self.vgg is not None:
            factor = self.config.vgg_scale
            smaller = replace(
                now,
                rendered_B3HW=_shrunk(now.rendered_B3HW, factor),
                real_B3HW=_shrunk(now.real_B3HW, factor),
            )
            whole, *close = (
                each.share * perceptual_loss(self.vgg, each.rendered_B3HW, each.real_B3HW)
                for each in (smaller, *near)
            )
            share = self.config.losses.closeup_share
            losses["perceptual"] = torch.stack([whole, *(share * term for term in close)]).sum()
        return losses

    def _teach_judges(
        self, now: Shown, past: Mapping[int, Shown], closeups: Mapping[str, list[Shown]]
    ) -> Tensor:
        with self._precision():
            loss = self.judges.learn(now, past, closeups)
        self.judge_optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        average_gradients(self.replica, self.judges.parameters())
        self.judge_optimiser.step()
        return loss

    def _weight(self, matte_B1HW: Tensor) -> Tensor:
        near_B1HW = F.max_pool2d(matte_B1HW, _NEAR_PX, 1, _NEAR_PX // 2)
        return 1 + self.config.losses.person * near_B1HW

    def _total(self, losses: Mapping[str, Tensor]) -> Tensor:
        weights = self.config.losses
        counts = {
            "pixel": weights.pixel,
            "matte": weights.matte,
            "perceptual": weights.perceptual,
            "closeup": weights.closeup,
            "contraction": weights.contraction,
            "ping_pong": weights.ping_pong,
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


def _shrunk(rgb_B3HW: Tensor, factor: float) -> Tensor:
    if factor == 1:
        return rgb_B3HW
    return F.interpolate(rgb_B3HW, scale_factor=factor, mode="bilinear", antialias=True)
