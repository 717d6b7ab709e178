"""Where two shards meet: how far apart they are there, and what is rendered anew to join them.

A shard that begins with warm-up frames renders its predecessor's last frame too. Both sides keep
it, so every join is measured on what was rendered, exactly, whatever the codec does. A join that
shows is mended: the later shard is rendered from its predecessor's last frame until it meets its
own old frames again.
It does not know jobs, only pictures. Shape letters: H rows, W columns, 3 = colours.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bodyswap.frames import RGB, RGBA
from bodyswap.render import BoundaryState
from bodyswap.timing import FrameRange

BLOCK_PX = 8
"""A step shows by its mean over an area, not by single pixels."""


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
    """What a shard left: its segment, what it began from and ended with, a hash of each picture."""

    frames: FrameRange
    segment: Path
    entrance: BoundaryState
    boundary: BoundaryState
    picture_hashes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Mended:
    """Segments that stand in for a part's, and what they end with.

    `rendered_frames` were rendered anew; as many as the part has where it never met its old self.
    """

    segments: tuple[Path, ...]
    boundary: BoundaryState
    rendered_frames: int


@dataclass(frozen=True, kw_only=True)
class Join:
    """One join, by the index of the frame after it: its score as rendered, and what it cost."""

    frame: int
    score: JoinScore
    mended_frames: int


@dataclass(frozen=True, kw_only=True)
class ProvenJoins:
    """The segments to assemble, in order, and every join between the parts."""

    segments: tuple[Path, ...]
    joins: tuple[Join, ...]


Mend = Callable[[RenderedPart, BoundaryState], Mended]


def prove_joins(parts: Sequence[RenderedPart], *, tolerance: float, mend: Mend) -> ProvenJoins:
    """Score every join of consecutive `parts`, and mend those that show, the earlier ones first."""
    segments, joins = [parts[0].segment], []
    before = parts[0].boundary
    for part in parts[1:]:
        score = score_join(before, part.entrance)
        if score.shows(tolerance):
            mended = mend(part, before)
        else:
            mended = Mended(segments=(part.segment,), boundary=part.boundary, rendered_frames=0)
        segments += mended.segments
        before = mended.boundary
        joins.append(
            Join(frame=part.frames.start, score=score, mended_frames=mended.rendered_frames)
        )
    return ProvenJoins(segments=tuple(segments), joins=tuple(joins))


def picture_hash(picture: RGB | RGBA) -> str:
    """Short, and never the same for two pictures."""
    return hashlib.blake2b(picture.tobytes(), digest_size=16).hexdigest()


def score_join(before: BoundaryState, entrance: BoundaryState) -> JoinScore:
    """How far what a shard began from is from what its predecessor ended with.

    A shard that began from nothing began from black.
    """
    ours, theirs = entrance.previous_HW3, before.previous_HW3
    if ours is None and theirs is None:
        return JoinScore(block=0.0, largest=0.0, p99=0.0, psnr_db=None)
    shape = next(picture.shape for picture in (ours, theirs) if picture is not None)
    apart = cv2.absdiff(_or_black(ours, shape), _or_black(theirs, shape))
    difference_HW3 = apart.astype(np.float32)
    squared = float(np.square(difference_HW3).mean())
    return JoinScore(
        block=_largest_block(difference_HW3),
        largest=float(difference_HW3.max()),
        p99=float(np.percentile(difference_HW3, 99)),
        psnr_db=10 * float(np.log10(255**2 / squared)) if squared else None,
    )


def _or_black(picture_HW3: RGB | None, shape: tuple[int, ...]) -> RGB:
    return np.zeros(shape, np.uint8) if picture_HW3 is None else picture_HW3


def _largest_block(difference_HW3: NDArray[np.float32]) -> float:
    grey_HW = difference_HW3.mean(axis=2)
    blocks_HW = cv2.blur(grey_HW, (BLOCK_PX, BLOCK_PX), borderType=cv2.BORDER_REFLECT)
    return float(blocks_HW.max())
