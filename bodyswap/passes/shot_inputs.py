"""What a pass is asked of: a plate and a subject, and later their solved poses, as local files.

Values only, and nothing heavy behind them: whoever gives the orders needs no torch for it.
"""

from dataclasses import dataclass
from pathlib import Path

from bodyswap.config import RenderSettings
from bodyswap.people import PoseSequence
from bodyswap.replacement import ALONE, Replacement
from bodyswap.rights.mark import Mark


@dataclass(frozen=True, kw_only=True)
class ShotInputs:
    """What a shot is made from: the plate, the folder of the subject who is rendered, and how."""

    plate: Path
    subject: Path
    settings: RenderSettings
    replacement: Replacement = ALONE


@dataclass(frozen=True, kw_only=True)
class SolvedShot:
    """What rendering any range of a shot takes: the same for all of them, whatever the cut.

    `poses` are the subject's over the whole shot, in their own pixels. By a `recipe` of the solve
    step the subject is laid into the plate; without, over their own background. `mark` is left in
    what is delivered alone: neither states nor hashes know of it.
    """

    inputs: ShotInputs
    poses: PoseSequence
    recipe: bytes | None = None
    mark: Mark | None = None

    @property
    def settings(self) -> RenderSettings:
        return self.inputs.settings
