"""Every setting of the pose trainer, with its default.

It does not know yaml or the command line.
"""

from dataclasses import dataclass, field
from pathlib import Path

from bodyswap.errors import UsageError
from bodyswap.training.pose.augment import Augmentation

MODEL_CONFIG = "rtmpose-t_8xb256-420e_coco-256x192"


@dataclass(frozen=True, kw_only=True)
class PoseTrainingConfig:
    """What to learn from, for how long, and where to put it.

    `clips` are real footage that may be trained on; `teachers` is the folder of the teachers'
    weights (see bodyswap.training.pose.teachers); `cache` keeps prepared views between runs.
    Head steps see no pictures, only where joints are. Coarse steps see pictures at half size, for
    a third of the time a fine one takes. `name` and `licence` go into the card.
    """

    clips: tuple[Path, ...]
    teachers: Path
    cache: Path
    out: Path
    name: str = "rtmpose-t"
    licence: str = "Apache-2.0"
    model: str = MODEL_CONFIG
    stage_views: int = 2000
    head_steps: int = 800
    coarse_steps: int = 1350
    fine_steps: int = 550
    batch: int = 64
    peak_rate: float = 1e-3
    warm_up_steps: int = 150
    stage_share: float = 0.45
    empty_share: float = 0.08
    threads: int = 1
    save_every_steps: int = 100
    seed: int = 1
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        if self.batch < 2:
            raise UsageError(f"batch is {self.batch}; batch normalisation needs at least 2")
        if not 0 <= self.empty_share < 1 or not 0 <= self.stage_share <= 1:
            raise UsageError("stage_share and empty_share are shares, between 0 and 1")

    @property
    def steps(self) -> int:
        return self.coarse_steps + self.fine_steps
