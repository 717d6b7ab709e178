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

from bodyswap.encode import Codec, encode
from bodyswap.frames import RGB, RGBA
from bodyswap.joins import Join, JoinScore, ProvenJoins, RenderedPart
from bodyswap.media.trim import keyframes_of, trim
from bodyswap.render import BoundaryState
from bodyswap.timing import FrameRange, Timeline

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

    def __call__(self, frames: FrameRange) -> Iterator[RGB | RGBA]: ...


def prove_joins(parts: Sequence[RenderedPart], *, tolerance: float, mend: Mend) -> ProvenJoins:
    """Score every join of consecutive `parts`, and mend those that show, the earlier ones first."""
    segments, joins = [parts[0].segment], []
    before = BoundaryState.from_bytes(parts[0].boundary)
    for part in parts[1:]:
        score = score_join(before, BoundaryState.from_bytes(part.entrance))
        mended = mend(part, before) if score.shows(tolerance) else _as_it_was(part)
        segments += mended.segments
        before = mended.boundary
        joins.append(
            Join(frame=part.frames.start, score=score, mended_frames=mended.rendered_frames)
        )
    return ProvenJoins(segments=tuple(segments), joins=tuple(joins))


def mend_part(
    part: RenderedPart,
    anew: Anew,
    state: Callable[[], BoundaryState],
    timeline: Timeline,
    codec: Codec,
    folder: Path,
) -> Mended:
    """The part's pictures from `anew` until they are its old ones again, then its old packets.

    `state` tells the temporal state after the last picture of `anew`. Nothing is held in memory:
    the pictures are rendered once to find where they meet, and once to be coded.
    """
    frames = part.frames
    met = _meeting(part, anew(frames))
    stop = frames.stop if met is None else _next_keyframe(part, timeline, met)
    if stop == frames.start:
        return _as_it_was(part)
    again = FrameRange(start=frames.start, stop=stop)
    patch = folder / f"mended-{frames.start}{codec.suffix}"
    encode(anew(again), patch, timeline=timeline, frames=again, codec=codec)
    boundary = state() if met is None else BoundaryState.from_bytes(part.boundary)
    if stop == frames.stop:
        return Mended(segments=(patch,), boundary=boundary, rendered_frames=len(again))
    rest = folder / f"rest-{stop}{codec.suffix}"
    trim(part.segment, timeline, from_pts=timeline.pts[stop], out=rest)
    return Mended(segments=(patch, rest), boundary=boundary, rendered_frames=len(again))


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


def _meeting(part: RenderedPart, pictures: Iterator[RGB | RGBA]) -> int | None:
    """The index of the first new picture that is the old one to the bit: from there all are."""
    for index, picture, old in zip(part.frames, pictures, part.picture_hashes, strict=True):
        if picture_hash(picture) == old:
            return index
    return None


def _next_keyframe(part: RenderedPart, timeline: Timeline, met: int) -> int:
    """Where the old segment can be cut, at or after the frame that was met."""
    places = {pts: index for index, pts in enumerate(timeline.pts)}
    cuts = (places[pts] for pts in keyframes_of(part.segment))
    return min((cut for cut in cuts if cut >= met), default=part.frames.stop)


def _as_it_was(part: RenderedPart) -> Mended:
    boundary = BoundaryState.from_bytes(part.boundary)
    return Mended(segments=(part.segment,), boundary=boundary, rendered_frames=0)


def _or_black(picture_HW3: RGB | None, shape: tuple[int, ...]) -> RGB:
    return np.zeros(shape, np.uint8) if picture_HW3 is None else picture_HW3


def _largest_block(difference_HW3: NDArray[np.float32]) -> float:
    grey_HW = difference_HW3.mean(axis=2)
    blocks_HW = cv2.blur(grey_HW, (BLOCK_PX, BLOCK_PX), borderType=cv2.BORDER_REFLECT)
    return float(blocks_HW.max())
