"""The head of a delivery whose pictures stay where they are: everything but the segments.

    ftyp, moov, the head of one mdat, and in it the sound; then the segments follow, whole.

It does not know stores. PyAV muxes pictures of zeros, of the segments' own sizes, into a file of
holes, so that times, edits, timecode and sound are what a join by packet copy would give; only the
tables that tell where each picture lies are written here. What lies between pictures in an mdat,
here the segments' own boxes, is nobody's to read.
"""

import io
import tempfile
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain

import av
from av.packet import Packet as AnyPacket
from av.stream import Stream

from bodyswap.errors import IntegrityError
from bodyswap.media.boxes import large_box_head, walk
from bodyswap.media.companions import Packet
from bodyswap.media.concat import (
    ShownTime,
    add_pictures,
    check_headers,
    mux_all,
    shown_times,
    time_packet,
)
from bodyswap.media.index import ClipIndex
from bodyswap.media.opening import open_clip
from bodyswap.media.sample_tables import Tables, located, one_a_chunk
from bodyswap.media.segment_map import SegmentMap
from bodyswap.media.streamed import StreamedFile, StreamedPath
from bodyswap.media.writer import clock_options
from bodyswap.timing import Timeline


def stitched_head(
    maps: Sequence[SegmentMap],
    opening: bytes,
    timeline: Timeline,
    *,
    suffix: str,
    first_pts: int | None = None,
    plate: ClipIndex | None = None,
) -> bytes:
    """What comes before the segments that `maps` are of, for a file as `concat` would write it.

    `opening` is the first segment's first `opening_bytes`. The arguments else are those of
    `concat`.

    Raises:
        IntegrityError: the segments' codec headers differ, or their frames are not the timeline's.
        PlateError: the sound is of a kind that the file cannot hold.
    """
    check_headers([(f"segment {place}", each.header_sha256) for place, each in enumerate(maps)])
    shown = timeline if first_pts is None else timeline.starting_at(first_pts)
    seen = [pts * each.time_base for each in maps for pts in each.pts]
    times = shown_times(seen, timeline, shown)
    with tempfile.TemporaryFile(buffering=0) as holes:
        file = _Holes(holes)
        _mux(file, maps, opening, times, timeline, shown, suffix, plate)
        return _relocated(holes, maps)


def _mux(
    file: "_Holes",
    maps: Sequence[SegmentMap],
    opening: bytes,
    times: Sequence[ShownTime],
    timeline: Timeline,
    shown: Timeline,
    suffix: str,
    plate: ClipIndex | None,
) -> None:
    first = StreamedFile(f"opening{suffix}", len(opening), lambda start, stop: opening[start:stop])
    options = clock_options(timeline, movflags="+use_metadata_tags")
    with (
        open_clip(StreamedPath.of(first.name, first)) as (source, template),
        av.open(file, "w", format=suffix.removeprefix("."), options=options) as container,
    ):
        stream = add_pictures(container, template, timeline, plate)
        real = next(bytes(packet) for packet in source.demux(template) if packet.size > 0)
        pictures = (
            time_packet(packet, stream, time, shown)
            for packet, time in zip(_hollow(maps, real), times, strict=True)
        )
        mux_all(container, pictures, timeline, shown, suffix, plate)


def _hollow(maps: Sequence[SegmentMap], first: bytes) -> Iterator[Packet]:
    """A packet for each picture; only the first is real, since some muxers look into it."""
    sizes = chain.from_iterable(each.sizes for each in maps)
    keys = chain.from_iterable(each.keys for each in maps)
    for place, (size, is_key) in enumerate(zip(sizes, keys, strict=True)):
        packet: AnyPacket[Stream] = AnyPacket(bytes(size) if place else first)
        packet.is_keyframe = is_key
        yield packet


def _relocated(holes: io.FileIO, maps: Sequence[SegmentMap]) -> bytes:
    """The head of the muxed file, with its tables saying where things are in the stitched one."""
    boxes = {each.type: each for each in walk(holes, 0, holes.seek(0, io.SEEK_END))}
    if not {b"ftyp", b"moov"} <= set(boxes):
        raise IntegrityError("the delivery's head was not written; this is a bug")
    ftyp = _read(holes, boxes[b"ftyp"].start, boxes[b"ftyp"].stop)
    moov = _read(holes, boxes[b"moov"].payload, boxes[b"moov"].stop)
    pictures, *others = located(moov)
    beside = b"".join(
        _read(holes, start, start + size) for track in others for start, size in track.chunks
    )
    # Every offset has eight bytes, so the head is as long whatever they say.
    head_bytes = len(ftyp) + len(_box_of(moov, [pictures, *others], 0, 0, maps)) + 16
    new = _box_of(moov, [pictures, *others], head_bytes, head_bytes + len(beside), maps)
    payload_bytes = len(beside) + sum(each.size_bytes for each in maps)
    return ftyp + new + large_box_head(b"mdat", payload_bytes) + beside


def _box_of(
    moov: bytes, tracks: Sequence[Tables], beside_at: int, pictures_at: int,
    maps: Sequence[SegmentMap],
) -> bytes:  # fmt: skip
    """The moov box, its other tracks' chunks from `beside_at` on, its pictures at theirs."""
    starts = accumulate((each.size_bytes for each in maps), initial=pictures_at)
    places = [start + at for start, each in zip(starts, maps, strict=False) for at in each.offsets]
    sizes = [size for track in tracks[1:] for _, size in track.chunks]
    chunks = list(accumulate(sizes, initial=beside_at))
    offsets, used = [places], 0
    for track in tracks[1:]:
        offsets.append(chunks[used : used + len(track.chunks)])
        used += len(track.chunks)
    return one_a_chunk(moov, offsets)


def _read(file: io.FileIO, start: int, stop: int) -> bytes:
    file.seek(start)
    data = file.read(stop - start)
    if data is None or len(data) != stop - start:
        raise IntegrityError(f"the delivery's head ends at byte {start}; is the disk full?")
    return data


class _Holes(io.RawIOBase):
    """A file in which blocks of zeros take no room."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        size = len(data)
        end = self._file.tell() + size
        if data == bytes(size) and end > self._size():
            self._file.truncate(end)
            self._file.seek(end)
            return size
        return self._file.write(data) or 0

    def _size(self) -> int:
        place = self._file.tell()
        size = self._file.seek(0, io.SEEK_END)
        self._file.seek(place)
        return size
