"""Proves that shards meet as if they had been one, and renders anew where they do not.

A join that shows is mended: the later shard is rendered from its predecessor's last frame until it
meets its own old frames again. The new pictures are a closed segment; the old segment is cut at a
keyframe, packets unchanged, so nothing that was right is coded again.
It does not know jobs. Shape letters: H rows, W columns, 3 = red, green, blue.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from bodyswap.frames import RGB, RenderedFrame
from bodyswap.joins import Join, JoinScore, ProvenJoins, RenderedPart
from bodyswap.passes.pieces import Pieces
from bodyswap.render import BoundaryState
from bodyswap.timing import FrameRange

BLOCK_PX = 8
"""A step shows by its mean over an area, not by single pixels."""


@dataclass(frozen=True, kw_only=True)
class Mended:
    """Segments that stand in for a part's, and what they end with.

    `rendered_frames` were rendered anew; as many as the part has where it never met its old self.
    """

    segments: tuple[Path, ...]
    boundary: BoundaryState
    rendered_frames: int


Mend = Callable[[RenderedPart, BoundaryState], Mended]


class Anew(Protocol):
    """Renders frames of the part from its predecessor's last picture on."""

    def __call__(self, frames: FrameRange) -> Iterator[RenderedFrame]: ...


def prove_joins(
    parts: Sequence[RenderedPart], *, tolerance: float, mend: Mend, cuts: Sequence[int] = ()
) -> ProvenJoins:
    """Score every join of consecutive `parts`, and mend those that show, the earlier ones first.

    Where the plate is cut, nothing is to be joined.
    """
    segments, joins = [parts[0].segment], []
    before = BoundaryState.from_bytes(parts[0].boundary)
    for part in parts[1:]:
        start = part.frames.start
        entrance = BoundaryState.from_bytes(part.entrance)
        score = None if start in cuts else score_join(before, entrance)
        shows = score is not None and score.shows(tolerance)
        mended = mend(part, before) if shows else _as_it_was(part)
        segments += mended.segments
        before = mended.boundary
        joins.append(Join(frame=start, score=score, mended_frames=mended.rendered_frames))
    return ProvenJoins(segments=tuple(segments), joins=tuple(joins))


def mend_part(
    part: RenderedPart,
    anew: Anew,
    state: Callable[[], BoundaryState],
    picture: Callable[[RenderedFrame], RGB],
    pieces: Pieces,
    folder: Path,
) -> Mended:
    """The part's frames from `anew` until they are its old ones again, then its old piece.

    `state` tells the temporal state after the last frame of `anew`, `picture` what of a frame the
    next one is made from. Nothing is held in memory:
    the frames are rendered once to find where they meet, and once to be written.
    """
    frames = part.frames
    met = _meeting(part, map(picture, anew(frames)))
    stop = frames.stop
    if met is not None:
        # The frame that met composites to the same picture, perhaps out of other layers.
        same = met + pieces.shows_layers
        stop = min((cut for cut in pieces.cuts(part.segment) if cut >= same), default=stop)
    if stop == frames.start:
        return _as_it_was(part)
    again = FrameRange(start=frames.start, stop=stop)
    patch = folder / f"mended-{frames.start}" / f"segment{pieces.suffix}"
    patch.parent.mkdir()
    pieces.write(anew(again), again, patch)
    boundary = state() if met is None else BoundaryState.from_bytes(part.boundary)
    if stop == frames.stop:
        return Mended(segments=(patch,), boundary=boundary, rendered_frames=len(again))
    rest = pieces.rest(part.segment, stop, folder)
    return Mended(segments=(patch, rest), boundary=boundary, rendered_frames=len(again))


def picture_hash(picture_HW3: RGB) -> str:
    """Short, and never the same for two pictures. Of the composite: it is the next frame's past."""
    return hashlib.blake2b(picture_HW3.tobytes(), digest_size=16).hexdigest()


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


def _meeting(part: RenderedPart, pictures: Iterator[RGB]) -> int | None:
    """The index of the first new picture that is the old one to the bit: from there all are."""
    for index, picture, old in zip(part.frames, pictures, part.picture_hashes, strict=True):
        if picture_hash(picture) == old:
            return index
    return None


def _as_it_was(part: RenderedPart) -> Mended:
    boundary = BoundaryState.from_bytes(part.boundary)
    return Mended(segments=(part.segment,), boundary=boundary, rendered_frames=0)


def _or_black(picture_HW3: RGB | None, shape: tuple[int, ...]) -> RGB:
    return np.zeros(shape, np.uint8) if picture_HW3 is None else picture_HW3


def _largest_block(difference_HW3: NDArray[np.float32]) -> float:
    grey_HW = difference_HW3.mean(axis=2)
    blocks_HW = cv2.blur(grey_HW, (BLOCK_PX, BLOCK_PX), borderType=cv2.BORDER_REFLECT)
    return float(blocks_HW.max())
