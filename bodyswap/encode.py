"""Encode: pictures to a closed segment that joins its neighbours by packet copy.

It does not know which shard it is. Segments of one job have equal codec headers whatever their
length, constant quality (so that rate control cannot pulse at joins), and the plate's own times.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from bodyswap.errors import UsageError
from bodyswap.frames import RGB, RGBA
from bodyswap.media.codec import CODECS, Codec
from bodyswap.media.writer import open_writer
from bodyswap.timing import FrameRange, Timeline

__all__ = ["CODECS", "Codec", "Segment", "encode"]


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A closed piece of video. `header_sha256` is of the codec's own header; equal ones join."""

    path: Path
    frames: FrameRange
    first_pts: int
    last_pts: int
    time_base: Fraction
    sha256: str
    header_sha256: str
    size_bytes: int


def encode(
    pictures_HWC: Iterable[RGB | RGBA],
    path: Path,
    *,
    timeline: Timeline,
    frames: FrameRange,
    codec: Codec,
) -> Segment:
    """Write `pictures_HWC`, the `frames` of the shot whose clock is `timeline`, to `path`.

    The file appears under its name only when it is whole.

    Raises:
        UsageError: there are more or fewer pictures than frames, or their size cannot be coded.
    """
    pts = timeline.pts[frames.start : frames.stop]
    written = 0
    with open_writer(path, timeline, codec) as writer:
        for picture in pictures_HWC:
            if written == len(pts):
                raise UsageError(f"more pictures than the {len(pts)} frames of {frames} came")
            writer.write(picture, pts[written])
            written += 1
        if written != len(pts) or not pts:
            raise UsageError(f"{written} pictures came for the {len(pts)} frames of {frames}")
    data = path.read_bytes()
    return Segment(
        path=path,
        frames=frames,
        first_pts=pts[0],
        last_pts=pts[-1],
        time_base=timeline.time_base,
        sha256=hashlib.sha256(data).hexdigest(),
        header_sha256=writer.header_sha256,
        size_bytes=len(data),
    )
