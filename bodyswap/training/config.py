"""Every setting of a subject's training, with its default.

It does not know footage or networks' insides.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bodyswap.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """Sizes of the networks; the pose map's channels come from the footage's skeleton."""

    first_channels: int = 16
    most_channels: int = 256
    downsamplings: int = 4
    residual_blocks: int = 4
    discriminator_channels: int = 16
    discriminator_scales: int = 2


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """What each loss counts. `perceptual` needs a VGG file; the GAN's start with its phase."""

    pixel: float = 10.0
    matte: float = 5.0
    perceptual: float = 3.0
    adversarial: float = 0.5
    feature_matching: float = 5.0
    temporal: float = 0.3
    person: float = 6.0
    """How much more a pixel on or near the person counts than one of the background."""


@dataclass(frozen=True, kw_only=True)
class Disturbance:
    """How training clouds what the generator is given, so that it bears with estimates."""

    previous_zeroed: float = 0.4
    previous_noise: float = 0.06
    joint_jitter: float = 0.004
    """Standard deviation, in picture heights."""
    joint_dropped: float = 0.03
    confidence_lowered: float = 0.3
    rotation_degrees: float = 4.0
    scale: float = 0.08
    shift: float = 0.06


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """One training run. It ends at `steps` or after `minutes`, whichever comes first.

    Phases are fractions of that budget: pictures are of half size until `half_size_until`, and
    discriminators join at `adversarial_from`. A step is one rollout of `sequence` frames.
    """

    steps: int = 20_000
    minutes: float | None = None
    batch: int = 3
    sequence: int = 4
    longest_stride: int = 3
    seed: int = 1
    learning_rate: float = 5e-4
    discriminator_rate: float = 3e-4
    decay_from: float = 0.75
    half_size_until: float = 0.25
    adversarial_from: float = 0.75
    crop: float = 0.5
    """Side of the window cut out around the person, in picture heights; 1 for whole frames."""
    whole_frame_every: int = 5
    average_decay: float = 0.99
    low_precision: bool = True
    vgg_weights: Path | None = None
    vgg_scale: float = 0.5
    sample_every: int = 100
    export_every_s: float = 240.0
    networks: NetworkSettings = field(default_factory=NetworkSettings)
    losses: LossWeights = field(default_factory=LossWeights)
    disturbance: Disturbance = field(default_factory=Disturbance)

    def __post_init__(self) -> None:
        for name in (
            "steps",
            "batch",
            "sequence",
            "longest_stride",
            "sample_every",
            "whole_frame_every",
        ):
            if getattr(self, name) < 1:
                raise UsageError(f"training {name} is {getattr(self, name)}; give at least 1")
        if self.minutes is not None and self.minutes <= 0:
            raise UsageError(f"training minutes is {self.minutes}; give more than 0")
        if not 0 < self.crop <= 1:
            raise UsageError(f"training crop is {self.crop}; give more than 0, at most 1")

    def to_dict(self) -> Mapping[str, object]:
        """Plain values, as a card records them."""
        values = asdict(self)
        values["vgg_weights"] = self.vgg_weights.name if self.vgg_weights else None
        return values
