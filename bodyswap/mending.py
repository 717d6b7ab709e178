"""Render the beginning of a part anew, and keep the rest of it: what mending a join comes to.

It does not know why. The new pictures are a closed segment; the old segment is cut at a keyframe,
packets unchanged, so nothing that was right is coded again.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from bodyswap.encode import Codec, encode
from bodyswap.frames import RGB, RGBA
from bodyswap.joins import Mended, RenderedPart, picture_hash
from bodyswap.media.trim import keyframes_of, trim
from bodyswap.render import BoundaryState
from bodyswap.timing import FrameRange, Timeline


class Anew(Protocol):
    """Renders frames of the part from its predecessor's last picture on."""

    def __call__(self, frames: FrameRange) -> Iterator[RGB | RGBA]: ...


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
        return Mended(segments=(part.segment,), boundary=part.boundary, rendered_frames=0)
    again = FrameRange(start=frames.start, stop=stop)
    patch = folder / f"mended-{frames.start}{codec.suffix}"
    encode(anew(again), patch, timeline=timeline, frames=again, codec=codec)
    boundary = part.boundary if met is not None else state()
    if stop == frames.stop:
        return Mended(segments=(patch,), boundary=boundary, rendered_frames=len(again))
    rest = folder / f"rest-{stop}{codec.suffix}"
    trim(part.segment, timeline, from_pts=timeline.pts[stop], out=rest)
    return Mended(segments=(patch, rest), boundary=boundary, rendered_frames=len(again))


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
