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
    `stage_views` show strangers in loosened poses, `cast_views` the demo's people as filmed.
    Head steps see no pictures, only where joints are. Coarse steps see pictures at half size, for
    a third of the time a fine one takes. With `start`, weights to go on from, there are no head
    steps. `mined_share` of the draws go by the error last made on a sample. `name` and `licence` go
    into the card.
    """

    clips: tuple[Path, ...]
    teachers: Path
    cache: Path
    out: Path
    name: str = "rtmpose-t"
    licence: str = "Apache-2.0"
    model: str = MODEL_CONFIG
    start: Path | None = None
    stage_views: int = 2000
    cast_views: int = 700
    head_steps: int = 800
    coarse_steps: int = 1350
    fine_steps: int = 550
    batch: int = 64
    peak_rate: float = 1e-3
    warm_up_steps: int = 150
    stage_share: float = 0.35
    cast_share: float = 0.4
    empty_share: float = 0.08
    mined_share: float = 0.5
    threads: int = 1
    save_every_steps: int = 100
    seed: int = 1
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        if self.batch < 2:
            raise UsageError(f"batch is {self.batch}; batch normalisation needs at least 2")
        shares = (self.empty_share, self.mined_share, self.stage_share, self.cast_share)
        if not all(0 <= share <= 1 for share in shares) or sum(shares[2:]) > 1:
            raise UsageError(f"shares are {shares}; each lies in 0 to 1, stage and cast together")

    @property
    def steps(self) -> int:
        return self.coarse_steps + self.fine_steps
