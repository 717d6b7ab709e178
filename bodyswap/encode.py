"""Encode: pictures to a closed segment that joins its neighbours by packet copy.

It does not know which shard it is. Segments of one job have equal codec headers whatever their
length, constant quality (so that rate control cannot pulse at joins), and the plate's own times.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from bodyswap.config import Over, RenderSettings
from bodyswap.errors import UsageError
from bodyswap.frames import RGB, RGBA, LayeredFrame
from bodyswap.media.codec import CODECS, Codec
from bodyswap.media.colour import Codes16
from bodyswap.media.frame_files import FRAME_FORMATS, FrameFormat
from bodyswap.media.frame_list import LIST_SUFFIX, write_frames
from bodyswap.media.hdr import codec_for_plate
from bodyswap.media.index import ClipIndex
from bodyswap.media.writer import open_writer
from bodyswap.timing import FrameRange, Timeline

__all__ = [
    "CODECS", "FRAME_FORMATS", "Codec", "FrameFormat", "Segment", "codec_of", "delivered_name",
    "delivery_suffix", "encode", "encode_frames",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A closed piece of video. `header_sha256` is of the codec's own header; equal ones join.

    A piece of a sequence is a list, at `path`, of the `frame_files` beside it.
    """

    path: Path
    frames: FrameRange
    first_pts: int
    last_pts: int
    time_base: Fraction
    sha256: str
    header_sha256: str
    size_bytes: int
    frame_files: tuple[Path, ...] = ()


def encode(
    pictures_HWC: Iterable[RGB | RGBA | Codes16],
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
    return _segment(path, timeline, frames, header_sha256=writer.header_sha256)


def encode_frames(
    pictures: Iterable[LayeredFrame],
    path: Path,
    *,
    plate: ClipIndex,
    frames: FrameRange,
    kind: FrameFormat,
) -> Segment:
    """Write `pictures`, the `frames` of the plate, as files of their own, and their list to `path`.

    Raises:
        ValueError: there are more or fewer pictures than frames.
    """
    listed = write_frames(pictures, path.parent, plate=plate, frames=frames, kind=kind)
    listed.write(path)
    files = tuple(path.parent / frame.name for frame in listed.frames)
    # Frame files join whatever they hold: nothing is shared between them.
    return _segment(path, plate.timeline, frames, header_sha256="", frame_files=files)


def codec_of(settings: RenderSettings, plate: ClipIndex) -> Codec:
    """The settings' codec, set for the plate where its pixels are delivered.

    Raises:
        UsageError: the plate is HDR, and the codec cannot hold that.
    """
    codec = CODECS[settings.codec]
    return codec_for_plate(codec, plate) if settings.over == Over.PLATE else codec


def delivery_suffix(name: str) -> str:
    """The suffix of a delivery's one file; of a sequence, of the list of its files."""
    return CODECS[name].suffix if name in CODECS else LIST_SUFFIX


def delivered_name(name: str, plate: ClipIndex, frames: FrameRange) -> str:
    """What `index_clip` reads a delivery by: a file's name, or the pattern of a sequence's."""
    if name in CODECS:
        return f"shot{CODECS[name].suffix}"
    first, last = plate.first_number + frames.start, plate.first_number + frames.stop - 1
    return f"shot.{first}-{last}#{FRAME_FORMATS[name].suffix}"


def _segment(
    path: Path,
    timeline: Timeline,
    frames: FrameRange,
    *,
    header_sha256: str,
    frame_files: tuple[Path, ...] = (),
) -> Segment:
    data = path.read_bytes()
    return Segment(
        path=path,
        frames=frames,
        first_pts=timeline.pts[frames.start],
        last_pts=timeline.pts[frames.stop - 1],
        time_base=timeline.time_base,
        sha256=hashlib.sha256(data).hexdigest(),
        header_sha256=header_sha256,
        size_bytes=len(data),
        frame_files=frame_files,
    )
