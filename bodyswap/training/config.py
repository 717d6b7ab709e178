"""Every setting of a subject's training, with its default.

It does not know footage or networks' insides.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bodyswap.errors import UsageError

PRECISIONS = ("auto", "bf16", "fp16", "fp32")


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """Sizes and parts of the networks; the pose map's channels come from the footage's skeleton.

    With a `memory_gain` of 0 each frame stands alone. `closeups` are refiners of the face and,
    where the skeleton has them, of the hands. A temporal discriminator is trained for each of
    `temporal_strides`.
    """

    first_channels: int = 16
    most_channels: int = 256
    downsamplings: int = 4
    residual_blocks: int = 4
    enhancers: int = 0
    memory_gain: float = 0.5
    matte: bool = True
    closeups: bool = True
    refiner_channels: int = 24
    discriminator_channels: int = 16
    discriminator_scales: int = 2
    temporal_strides: tuple[int, ...] = (1, 2)


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """What each loss counts. `perceptual` needs a VGG file; the GAN's start with its phase."""

    pixel: float = 10.0
    matte: float = 5.0
    perceptual: float = 3.0
    adversarial: float = 0.5
    feature_matching: float = 5.0
    temporal: float = 0.3
    contraction: float = 5.0
    """Between renders of one clip that began from different previous frames."""
    ping_pong: float = 5.0
    """Between renders of one frame on the way there and back (Chu et al. 2020)."""
    closeup: float = 5.0
    """Of pixels in close-ups."""
    closeup_share: float = 0.3
    """How much close-ups' perceptual and GAN losses count, of whole frames'."""
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
    limb_dropped: float = 0.04
    """How often a limb is missing for a whole sequence."""
    confidence_lowered: float = 0.3
    rotation_degrees: float = 4.0
    scale: float = 0.08
    shift: float = 0.06


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """One training run. It ends at `steps` or after `minutes`, whichever comes first.

    Phases are fractions of that budget: the global generator learns alone, from smaller pictures,
    until `half_size_until`, and discriminators join at `adversarial_from`. A step is one rollout of
    `sequence` frames, played forward and, with `ping_pong`, backward again. `batch` clips are
    rendered at once; the first `twins` of them a second time, from another previous frame.
    `precision` is one of bf16, fp16 and fp32, or auto: what the device gains by.
    """

    steps: int = 20_000
    minutes: float | None = None
    batch: int = 3
    twins: int = 1
    sequence: int = 8
    ping_pong: bool = True
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
    precision: str = "auto"
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
        if self.precision not in PRECISIONS:
            choices = ", ".join(PRECISIONS)
            raise UsageError(f"training precision '{self.precision}' is unknown; choose {choices}")
        if self.minutes is not None and self.minutes <= 0:
            raise UsageError(f"training minutes is {self.minutes}; give more than 0")
        if not 0 <= self.twins <= self.batch:
            raise UsageError(f"training twins is {self.twins}; give 0 to batch, {self.batch}")
        if any(stride < 1 for stride in self.networks.temporal_strides):
            raise UsageError(
                f"training temporal_strides is {self.networks.temporal_strides}; each at least 1"
            )
        if not 0 < self.crop <= 1:
            raise UsageError(f"training crop is {self.crop}; give more than 0, at most 1")

    @property
    def play_order(self) -> tuple[int, ...]:
        """Which of a clip's frames each frame of a rollout is; frame 0 is only a previous one."""
        if not self.ping_pong:
            return tuple(range(1, self.sequence + 1))
        last = (self.sequence + 3) // 2
        there_and_back = (*range(1, last + 1), *range(last - 1, 0, -1))
        return there_and_back[: self.sequence]

    def to_dict(self) -> Mapping[str, object]:
        """Plain values, as a card records them."""
        values = asdict(self)
        values["vgg_weights"] = self.vgg_weights.name if self.vgg_weights else None
        return values
