"""The pose model's training loop: batches drawn anew for each step, an average kept of the weights.

It does not know where samples come from. A step depends on nothing but its number, the seed and
the state before it, so a resumed run equals one that never stopped.

Shape letters: B samples, H rows, W columns, K joints, 3 = red, green, blue.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bodyswap.keypoints.mmpose_door import TopDownModel
from bodyswap.training.pose.augment import Augmenter, Batch, Crops
from bodyswap.training.pose.config import PoseTrainingConfig
from bodyswap.training.pose.mining import Difficulty
from bodyswap.training.pose.samples import Samples
from bodyswap.training.pose.simcc import Loss, map_loss, pose_loss, sample_errors
from bodyswap.training.pose.tutor import Tutor, forward

CHUNK = 16
"""Samples are augmented this many at a time: their pictures then stay in the processor's cache."""
_LONGEST_MEMORY = 0.998


@dataclass(frozen=True, kw_only=True)
class Source:
    """Samples of one kind and the share of training they are drawn for."""

    samples: Samples
    share: float


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One line of the log."""

    step: int
    place: float
    presence: float
    rate: float


class PoseTrainer:
    """Holds everything that changes from step to step."""

    def __init__(
        self,
        model: TopDownModel,
        sources: Sequence[Source],
        backgrounds_N3GG: npt.NDArray[np.uint8],
        config: PoseTrainingConfig,
    ) -> None:
        self._config = config
        self._model = model
        fresh = model.network if config.start else _fresh_head(model.network)
        self.network = _channels_last(fresh).train()
        self._average = {name: value.clone() for name, value in self.network.state_dict().items()}
        self._tutor = Tutor(self.network)
        self._optimiser = _optimiser(nn.ModuleList([self.network, self._tutor]))
        self._sources = list(sources)
        self._small = [shrunk(source) for source in sources] if config.coarse_steps else []
        self._difficulty = [Difficulty(len(source.samples)) for source in sources]
        self._drawn: list[tuple[int, int]] = []
        size = (model.preprocessing.height, model.preprocessing.width)
        backgrounds = torch.from_numpy(backgrounds_N3GG)
        self._fine = Augmenter(backgrounds, config.augmentation, height=size[0], width=size[1])
        self._coarse = Augmenter(
            F.avg_pool2d(backgrounds.float(), 2).byte(),
            config.augmentation,
            height=size[0] // 2,
            width=size[1] // 2,
        )
        self.step = 0

    def run(self, until: int, on_step: Callable[[Progress], None]) -> None:
        """Train up to step `until`."""
        while self.step < until:
            on_step(self._train_step())

    def averaged(self) -> dict[str, Tensor]:
        """The averaged weights: what is measured and shipped."""
        return {name: value.clone() for name, value in self._average.items()}

    def forget_average(self) -> None:
        """Begin the average anew from the weights as they are."""
        self._average = {name: value.clone() for name, value in self.network.state_dict().items()}

    def save(self, path: Path) -> None:
        """Write everything a resumed run needs, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(path.name + ".unfinished")
        content = {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self._average,
            "tutor": self._tutor.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "difficulty": [one.state for one in self._difficulty],
        }
        torch.save(content, unfinished)
        unfinished.replace(path)

    def resume(self, path: Path) -> None:
        """Go on from what `save` wrote."""
        content = torch.load(path, map_location="cpu", weights_only=True)
        self.step = content["step"]
        self.network.load_state_dict(content["network"])
        self._average = content["average"]
        self._tutor.load_state_dict(content["tutor"])
        self._optimiser.load_state_dict(content["optimiser"])
        self._difficulty = [Difficulty.of(state) for state in content["difficulty"]]

    def _train_step(self) -> Progress:
        rate = learning_rate(self.step, self._config)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        is_coarse = self.step < self._config.coarse_steps
        crops = self._draw_crops(is_coarse)
        total, loss = self._loss(crops, zoom=2.0 if is_coarse else 1.0)
        self._optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(total)
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self._optimiser.step()
        self.step += 1
        self._remember()
        return Progress(
            step=self.step, place=loss.place.item(), presence=loss.presence.item(), rate=rate
        )

    def _loss(self, crops: Crops, zoom: float) -> tuple[Tensor, Loss]:
        """What is minimised, and the pose loss in it."""
        inputs_B3HW = self._model.normalised(crops.rgb_B3HW * 255)
        inputs_B3HW = inputs_B3HW.contiguous(memory_format=torch.channels_last)
        with torch.autocast(inputs_B3HW.device.type, torch.bfloat16):
            x_BKX, y_BKY = forward(self._model, inputs_B3HW, is_coarse=zoom > 1)
            maps = self._tutor()
        places_BK2 = (crops.keypoints_BK2 + 0.5) * zoom - 0.5
        side_B = crops.box_side_B * zoom
        loss = pose_loss(x_BKX.float(), y_BKY.float(), places_BK2, crops.state_BK, side_B)
        self._learn_difficulty(sample_errors(x_BKX, y_BKY, places_BK2, crops.state_BK, side_B))
        lessons = [self._lesson(map_BKHW.float(), crops) for map_BKHW in maps]
        return loss.total + torch.stack(lessons).sum(), loss

    def _lesson(self, map_BKHW: Tensor, crops: Crops) -> Tensor:
        height, width = crops.rgb_B3HW.shape[-2:]
        rows, columns = map_BKHW.shape[-2:]
        cells = torch.tensor([columns / width, rows / height])
        return map_loss(map_BKHW, (crops.keypoints_BK2 + 0.5) * cells - 0.5, crops.state_BK)

    def _draw_crops(self, is_coarse: bool) -> Crops:
        generator = torch.Generator().manual_seed(self._config.seed * 1_000_003 + self.step)
        augmenter = self._coarse if is_coarse else self._fine
        empty = round(self._config.batch * self._config.empty_share)
        self._drawn = []
        people = self._config.batch - empty
        effort = min(1.0, 0.2 + 2.5 * self.step / self._config.steps)
        effort = 1.0 if self._config.start else effort
        parts = [augmenter.empty(empty, generator)] if empty else []
        for start in range(0, people, CHUNK):
            batch = self._draw_views(min(CHUNK, people - start), generator, is_coarse)
            parts.append(augmenter(batch, generator, effort))
        return Crops(
            **{name: torch.cat([vars(part)[name] for part in parts]) for name in vars(parts[0])}
        )

    def _draw_views(self, count: int, generator: torch.Generator, is_coarse: bool) -> Batch:
        shares = torch.tensor([source.share for source in self._sources])
        chosen = torch.multinomial(shares, count, replacement=True, generator=generator)
        places = torch.rand(count, generator=generator)
        sources = self._small if is_coarse else self._sources
        picked = []
        for kind, place in zip(chosen.tolist(), places.tolist(), strict=True):
            samples = sources[kind].samples
            index = self._difficulty[kind].draw(place, mined=self._config.mined_share)
            self._drawn.append((kind, index))
            picked.append(samples.at(np.array([index])))
        return as_batch(Samples.joined(picked))

    def _learn_difficulty(self, error_B: Tensor) -> None:
        """What the step found hard is drawn more often; crops of nobody come first in a batch."""
        nobody = len(error_B) - len(self._drawn)
        for (kind, index), error in zip(self._drawn, error_B[nobody:].tolist(), strict=True):
            self._difficulty[kind].learn(index, error)

    def _remember(self) -> None:
        """Move the averaged weights towards the present ones, faster while training is young."""
        keep = min(_LONGEST_MEMORY, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                kept = self._average[name]
                if kept.is_floating_point():
                    kept.lerp_(value, 1 - keep)
                else:
                    kept.copy_(value)


def learning_rate(step: int, config: PoseTrainingConfig) -> float:
    """A short rise, then half a cosine down to nothing."""
    if step < config.warm_up_steps:
        return config.peak_rate * (step + 1) / config.warm_up_steps
    share = (step - config.warm_up_steps) / max(1, config.steps - config.warm_up_steps)
    return config.peak_rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


def _fresh_head(network: nn.Module) -> nn.Module:
    """Starts the head from small weights, as RTMPose does: its outputs are read ten times over."""
    for module in network.get_submodule("head").modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.normal_(module.weight, std=0.01 if isinstance(module, nn.Linear) else 0.001)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network


def _channels_last(network: nn.Module) -> nn.Module:
    """Twice as fast on processors with bfloat16 units."""
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network


def _optimiser(network: nn.Module) -> torch.optim.AdamW:
    matrices = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": 0.02},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=0.0)


def as_batch(samples: Samples) -> Batch:
    """Samples as tensors."""
    return Batch(
        rgb_B3SS=torch.from_numpy(samples.rgb_NSS3).permute(0, 3, 1, 2),
        matte_B1SS=torch.from_numpy(samples.matte_NSS)[:, None],
        keypoints_BK2=torch.from_numpy(samples.keypoints_NK2),
        state_BK=torch.from_numpy(samples.state_NK).long(),
        box_B4=torch.from_numpy(samples.box_N4),
    )


def shrunk(source: Source) -> Source:
    """The source at half size; a pixel's centre moves with it."""
    samples = source.samples
    size = samples.matte_NSS.shape[-1] // 2
    rgb = [
        cv2.resize(view, (size, size), interpolation=cv2.INTER_AREA) for view in samples.rgb_NSS3
    ]
    matte = [
        cv2.resize(view, (size, size), interpolation=cv2.INTER_AREA) for view in samples.matte_NSS
    ]
    small = replace(
        samples,
        rgb_NSS3=np.stack(rgb).astype(np.uint8),
        matte_NSS=np.stack(matte).astype(np.uint8),
        keypoints_NK2=((samples.keypoints_NK2 + 0.5) / 2 - 0.5).astype(np.float32),
        box_N4=(samples.box_N4 / 2).astype(np.float32),
    )
    return Source(samples=small, share=source.share)
