"""Where every picture lies in a segment, so that it can be joined and played without being read.

It does not know jobs. Made once, by whoever wrote the segment.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import msgspec

from bodyswap.errors import IntegrityError, PlateError
from bodyswap.media.boxes import walk
from bodyswap.media.opening import open_clip
from bodyswap.media.writer import header_hash


@dataclass(frozen=True, kw_only=True)
class SegmentMap:
    """Each picture's place, size and times, in decoding order; times in ticks of `time_base`.

    The first `head_bytes` are what a player needs before any fragment. `header_sha256` is of the
    codec's own header; segments with equal ones join.
    """

    size_bytes: int
    head_bytes: int
    header_sha256: str
    time_base: Fraction
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]
    pts: tuple[int, ...]
    keys: tuple[bool, ...]
    last_ticks: int
    """How long the last picture is shown."""

    @property
    def opening_bytes(self) -> int:
        """As much of the segment's beginning as tells a reader all about its stream."""
        return self.offsets[0] + self.sizes[0]

    @property
    def duration_s(self) -> Fraction:
        return (max(self.pts) - min(self.pts) + self.last_ticks) * self.time_base

    def to_bytes(self) -> bytes:
        return msgspec.json.encode(self, enc_hook=str)

    @classmethod
    def from_bytes(cls, data: bytes) -> "SegmentMap":
        """Raises IntegrityError where `data` is no map."""
        try:
            return msgspec.json.decode(data, type=cls, dec_hook=lambda kind, text: kind(text))
        except (msgspec.MsgspecError, ValueError) as error:
            raise IntegrityError(f"a segment's map is damaged: {error}") from error


def map_segment(path: Path) -> SegmentMap:
    """The map of a segment that was just written.

    Raises:
        IntegrityError: it cannot be read as one.
    """
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        boxes = list(walk(file, 0, size_bytes))
    first = next((each.start for each in boxes if each.type == b"moof"), None)
    if first is None:
        raise IntegrityError(f"{path.name} has no fragments, so it is no segment")
    try:
        with open_clip(path) as (container, stream):
            packets = [packet for packet in container.demux(stream) if packet.size > 0]
            header, time_base = header_hash(stream), stream.time_base
    except PlateError as error:
        raise IntegrityError(f"a segment is damaged, render it again: {error}") from error
    assert time_base is not None
    return SegmentMap(
        size_bytes=size_bytes,
        head_bytes=first,
        header_sha256=header,
        time_base=time_base,
        offsets=tuple(packet.pos or 0 for packet in packets),
        sizes=tuple(packet.size for packet in packets),
        pts=tuple(packet.pts or 0 for packet in packets),
        keys=tuple(packet.is_keyframe for packet in packets),
        last_ticks=packets[-1].duration or 0,
    )
