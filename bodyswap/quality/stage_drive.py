"""A subject driven by a performer of the stage: retargeted exact joints, and pictures over theirs.

It does not know truths or scores. Shape letters: N frames, H rows, W columns, 3 = red, green, blue.
"""

from collections.abc import Iterator

from bodyswap.composite import over_own
from bodyswap.config import SolveSettings
from bodyswap.frames import RGB
from bodyswap.people import PoseSequence
from bodyswap.quality.stage_transfer import RATE
from bodyswap.render import Renderer
from bodyswap.solve import PlateShape, as_subject
from bodyswap.stance import StanceStatistics
from bodyswap.timing import FrameRange


def plate_of(rgb_NHW3: RGB) -> PlateShape:
    """The stage's film as a plate."""
    rows, columns = rgb_NHW3.shape[1:3]
    return PlateShape(width=columns, height=rows, rate=float(RATE))


def drive(driving: PoseSequence, plate: PlateShape, stance: StanceStatistics) -> PoseSequence:
    """What the subject is to do, in their own pixels; the stage's camera keeps still."""
    return as_subject(driving, None, plate=plate, stance=stance, settings=SolveSettings())


def pictures(
    renderer: Renderer, poses: PoseSequence, frames: FrameRange, *, warmup_frames: int = 0
) -> Iterator[RGB]:
    """The subject over their own background, in `frames`, begun so many frames earlier."""
    for frame in renderer.render(poses, frames, warmup_frames=warmup_frames):
        yield over_own(frame, renderer.subject.background_HW3)
