"""Trains a subject from footage: the loop around the step, with a budget and resume.

It does not know where footage comes from; `vega` and the command line bring it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from bodyswap.nets.card import Origin, SubjectCard, TrainingRecord
from bodyswap.nets.checkpoint import Subject, save_subject
from bodyswap.nets.closeup import closeups_of
from bodyswap.nets.generator import Generator, GeneratorConfig
from bodyswap.nets.vgg import load_vgg
from bodyswap.quality.coverage import INDEX_FILE, CoverageIndex, build_index
from bodyswap.stance import StanceStatistics
from bodyswap.training.checkpoints import FolderCheckpoints
from bodyswap.training.config import NetworkSettings, TrainingConfig
from bodyswap.training.dataset import draw_batch
from bodyswap.training.footage import SIDE_STEP, SubjectFootage
from bodyswap.training.losses_picture import LOSSES_PICTURE, write_losses
from bodyswap.training.replica import ALONE, Replica
from bodyswap.training.samples import write_samples
from bodyswap.training.state import Checkpoints, Spent, restore_state, save_state
from bodyswap.training.step import Trainer

STATES = "training"
SUBJECT = "subject"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A finished step: how many there are, how much of the budget is spent, and the losses."""

    step: int
    total_steps: int
    done: float
    seconds_per_step: float
    losses: Mapping[str, float]


def train_subject(
    footage: SubjectFootage,
    config: TrainingConfig,
    out: Path,
    *,
    origin: Origin,
    stance: StanceStatistics,
    on_progress: Callable[[Progress], None],
    samples_of: SubjectFootage | None = None,
    checkpoints: Checkpoints | None = None,
    device: torch.device | str = "cpu",
    replica: Replica = ALONE,
) -> Subject:
    """Train until the budget is spent; the subject is left in `out`/subject.

    `out` also holds losses.csv, losses.png and samples. A usable subject is exported, and a state
    to resume from is kept in `checkpoints`, every `config.export_every_s` seconds; without
    `checkpoints` states are kept in `out`/training. `samples_of` is the footage drawn in samples,
    the training footage itself where none is given. Of several replicas each is called so, and the
    first leaves the states and the subject; the others' `out` holds losses only.

    Raises:
        UsageError: the VGG weights named in the config cannot be used.
        SubjectError: the state that was kept cannot be resumed from.
    """
    kept = checkpoints or FolderCheckpoints(out / STATES)
    shown = samples_of or footage
    run = _Run(footage, config, out, origin, stance, shown, kept, torch.device(device), replica)
    while (done := replica.share(run.done)) < 1:
        on_progress(run.advance(done))
    run.keep()
    return run.subject()


class _Run:
    def __init__(
        self,
        footage: SubjectFootage,
        config: TrainingConfig,
        out: Path,
        origin: Origin,
        stance: StanceStatistics,
        shown: SubjectFootage,
        checkpoints: Checkpoints,
        device: torch.device,
        replica: Replica,
    ) -> None:
        self.replica = replica
        self.config, self.out, self.origin, self.stance = config, out, origin, stance
        self.footage, self.shown, self.checkpoints = footage, shown, checkpoints
        self.beside = {INDEX_FILE: index_footage(footage, stance).to_bytes()}
        self.small = _coarse(footage, config) if config.half_size_until > 0 else footage
        vgg = load_vgg(config.vgg_weights) if config.vgg_weights else None
        self.trainer = Trainer(
            config, generator_config(footage, stance, config.networks), vgg, device, replica
        )
        self.spent, self.record = restore_state(checkpoints, self.trainer, out / "losses.csv")
        self.kept_s = self.spent.seconds

    @property
    def done(self) -> float:
        by_steps = self.spent.steps / self.config.steps
        if self.config.minutes is None:
            return by_steps
        return max(by_steps, self.spent.seconds / (60 * self.config.minutes))

    def advance(self, done: float) -> Progress:
        """One step with so much of the budget spent, and what is due after it."""
        began = time.monotonic()
        is_small = done < self.config.half_size_until
        footage = self.small if is_small else self.footage
        batch = draw_batch(
            footage, self.config, self.spent.steps, rank=self.replica.rank, of=self.replica.size,
            device=self.trainer.device,
        )  # fmt: skip
        losses = self.trainer.train(batch, done)
        took_s = time.monotonic() - began
        self.spent = Spent(steps=self.spent.steps + 1, seconds=self.spent.seconds + took_s)
        self.record.add(self.spent.steps, losses)
        is_sampled = self.spent.steps % self.config.sample_every == 0 and not is_small
        if is_sampled and self.replica.rank == 0:
            name = f"samples/{self.spent.steps:06d}.png"
            write_samples(self.out / name, self.subject().generator, self.shown)
        if self.spent.seconds - self.kept_s > self.config.export_every_s:
            self.keep()
        return Progress(
            step=self.spent.steps,
            total_steps=self.config.steps,
            done=min(1.0, self.done),
            seconds_per_step=took_s,
            losses=losses,
        )

    def keep(self) -> None:
        """Leave a usable subject and the state to go on from."""
        self.kept_s = self.spent.seconds
        if self.replica.rank:
            return
        save_subject(
            self.out / SUBJECT,
            self._card(),
            self.trainer.average,
            self.footage.background_HW3,
            self.beside,
        )
        write_losses(self.record, self.out / LOSSES_PICTURE)
        save_state(self.checkpoints, self.trainer, self.spent, self.record)

    def subject(self) -> Subject:
        """What has been learnt so far."""
        generator = Generator(self.trainer.generator.config).to(self.trainer.device)
        generator.load_state_dict(self.trainer.average)
        return Subject(
            card=self._card(),
            generator=generator.eval(),
            background_HW3=self.footage.background_HW3,
        )

    def _card(self) -> SubjectCard:
        return SubjectCard(
            origin=self.origin,
            skeleton=self.footage.poses.skeleton.name,
            width=self.footage.width,
            height=self.footage.height,
            generator=self.trainer.generator.config,
            stance=self.stance,
            training=TrainingRecord(
                steps=self.spent.steps,
                seconds=round(self.spent.seconds, 1),
                frames=len(self.footage),
                settings=self.config.to_dict(),
            ),
        )


def index_footage(footage: SubjectFootage, stance: StanceStatistics) -> CoverageIndex:
    """Which poses the subject is learnt in, to travel with them."""
    return build_index(
        footage.poses, height_px=typical_height(stance), clip_starts=footage.clip_starts
    )


def typical_height(stance: StanceStatistics) -> float:
    """How tall the subject is in their picture, in the middle of where they were, in pixels."""
    return (stance.far_height + stance.near_height) / 2


def generator_config(
    footage: SubjectFootage, stance: StanceStatistics, sizes: NetworkSettings
) -> GeneratorConfig:
    """The generator for this footage: its skeleton's channels, close-ups of this person's size."""
    skeleton = footage.poses.skeleton
    height_px = typical_height(stance) * footage.height / stance.height
    return GeneratorConfig(
        pose_channels=skeleton.channels,
        first_channels=sizes.first_channels,
        most_channels=sizes.most_channels,
        downsamplings=sizes.downsamplings,
        residual_blocks=sizes.residual_blocks,
        enhancers=sizes.enhancers,
        memory_gain=sizes.memory_gain,
        has_matte=sizes.matte,
        closeups=closeups_of(skeleton, height_px=height_px) if sizes.closeups else (),
        refiner_channels=sizes.refiner_channels,
    )


def _coarse(footage: SubjectFootage, config: TrainingConfig) -> SubjectFootage:
    """The size the global generator works at, or half where it works at the whole size.

    The footage itself where the sides could not be halved so often.
    """
    factor = 2 ** max(1, config.networks.enhancers)
    if footage.height % (SIDE_STEP * factor) or footage.width % (SIDE_STEP * factor):
        return footage
    return footage.scaled(footage.height // factor, footage.width // factor)
