"""What is kept and told of where two shards meet.

A shard that begins with warm-up frames renders its predecessor's last frame too. Both sides keep
it, so every join is measured on what was rendered, exactly, whatever the codec does.
Values only: `mending` measures and mends.
"""

from dataclasses import dataclass
from pathlib import Path

from bodyswap.timing import FrameRange


@dataclass(frozen=True, kw_only=True)
class JoinScore:
    """How far apart two renders of one frame are, in grey levels of 255.

    `block` is the largest mean difference of any 8x8 block, which is what an eye would find; then
    the largest and the 99th percentile over all pixels and colours. `psnr_db` is None where the two
    are the same to the bit.
    """

    block: float
    largest: float
    p99: float
    psnr_db: float | None

    def shows(self, tolerance: float) -> bool:
        """True where a block differs by more than `tolerance` grey levels."""
        return self.block > tolerance


@dataclass(frozen=True, kw_only=True)
class RenderedPart:
    """What a shard left: its segment, what it began from and ended with, a hash of each picture.

    `entrance` and `boundary` are boundary states as bytes.
    """

    frames: FrameRange
    segment: Path
    entrance: bytes
    boundary: bytes
    picture_hashes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Join:
    """One join, by the index of the frame after it: its score as rendered, and what it cost.

    `warping_ratio` is the error across it in the assembled shot over that of the steps beside it,
    about 1 where none can see it; None where it was not or cannot be told. At a cut of the plate
    nothing carries over: there is no score and no ratio.
    """

    frame: int
    score: JoinScore | None
    mended_frames: int
    warping_ratio: float | None = None

    @property
    def is_cut(self) -> bool:
        return self.score is None


@dataclass(frozen=True, kw_only=True)
class ProvenJoins:
    """The segments to assemble, in order, and every join between the parts."""

    segments: tuple[Path, ...]
    joins: tuple[Join, ...]
