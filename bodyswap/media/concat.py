"""Join segments by packet copy: nothing is decoded, nothing coded again.

It does not know which job they are of. Presentation times come from the plate's timeline by rank;
decoding times follow from them and the codec's reordering, so both rise without gap or overlap.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.container import OutputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from bodyswap.errors import IntegrityError, PlateError
from bodyswap.media.companions import Packet, Span, copy_companions
from bodyswap.media.index import ClipIndex
from bodyswap.media.opening import open_clip
from bodyswap.media.writer import header_hash, open_output
from bodyswap.timing import Timeline


def concat(
    segments: Sequence[Path],
    timeline: Timeline,
    out: Path,
    *,
    first_pts: int | None = None,
    plate: ClipIndex | None = None,
) -> None:
    """Join `segments`, in order, into one file whose frames are shown at `timeline`'s times.

    With `first_pts` the whole is moved so that its first frame is shown then. The timecode, the
    reel, and every stream beside the pictures come from `plate`, of which `timeline` is all or
    a part.

    Raises:
        IntegrityError: a segment is damaged, their codec headers differ, or their frames are not
            the timeline's.
        PlateError: the sound is of a kind that the file cannot hold.
    """
    shown = timeline if first_pts is None else timeline.starting_at(first_pts)
    packets = list(_video_packets(segments))
    times = shown_times(list(map(_seen, packets)), timeline, shown)
    with (
        open_output(out, timeline, movflags="+faststart+use_metadata_tags") as container,
        open_clip(segments[0]) as (_, template),
    ):
        stream = add_pictures(container, template, timeline, plate)
        timed = (
            time_packet(packet, stream, time, shown)
            for packet, time in zip(packets, times, strict=True)
        )
        mux_all(container, timed, timeline, shown, out.suffix, plate)


@dataclass(frozen=True, kw_only=True)
class ShownTime:
    """When a picture is decoded and shown, and for how long, in ticks of the delivery's clock."""

    dts: int
    pts: int
    duration: int


def add_pictures(
    container: OutputContainer, template: VideoStream, timeline: Timeline, plate: ClipIndex | None
) -> Stream:
    """The stream of pictures of a delivery, under the plate's timecode and reel."""
    stream = container.add_stream_from_template(template, rate=timeline.rate)
    stream.codec_context.codec_tag = template.codec_context.codec_tag
    stream.time_base = timeline.time_base
    if plate is not None:
        _name(container, stream, plate, timeline)
    return stream


def time_packet(packet: Packet, stream: Stream, time: ShownTime, shown: Timeline) -> Packet:
    """The packet, on its way into `stream`, at its time."""
    packet.stream, packet.time_base = stream, shown.time_base
    packet.pts, packet.dts, packet.duration = time.pts, time.dts, time.duration
    return packet


def mux_all(
    container: OutputContainer,
    pictures: Iterable[Packet],
    timeline: Timeline,
    shown: Timeline,
    suffix: str,
    plate: ClipIndex | None,
) -> None:
    """Mux the pictures, and the plate's companions with them, in the order of decoding."""
    beside: list[Packet] = []
    if plate is not None:
        span = None if timeline == plate.timeline else _span(timeline, shown)
        companions = plate.custody.companions
        beside = copy_companions(container, plate.path, companions, suffix, span)
    beside.sort(key=_decoding_time)
    for each in heapq.merge(pictures, beside, key=_decoding_time):
        container.mux(each)


def shown_times(
    seen: Sequence[Fraction], timeline: Timeline, shown: Timeline
) -> tuple[ShownTime, ...]:
    """The times at `shown` of pictures that, in decoding order, were `seen` at `timeline`'s.

    Raises:
        IntegrityError: they are not the timeline's pictures.
    """
    expected = [pts * timeline.time_base for pts in timeline.pts]
    if sorted(seen) != expected:
        raise IntegrityError(
            f"the segments hold {len(seen)} frames that are not the {len(expected)} of the "
            "timeline, or not at its times; render them again"
        )
    rank = {time: index for index, time in enumerate(expected)}
    order = [rank[time] for time in seen]
    # Decoding a frame must not be due after showing it: everything is decoded a little earlier.
    lead = max(shown.pts[index] - shown.pts[place] for index, place in enumerate(order))
    return tuple(
        ShownTime(
            dts=shown.pts[index] - lead, pts=shown.pts[place], duration=_duration(shown, place)
        )
        for index, place in enumerate(order)
    )


def check_headers(headers: Sequence[tuple[str, str]]) -> None:
    """Refuse segments, each a name and a header's hash, that no one codec header fits.

    Raises:
        IntegrityError: two differ.
    """
    first, header = headers[0]
    for name, other in headers:
        if other != header:
            raise IntegrityError(
                f"{name} was coded with other settings than {first}; they cannot be joined, "
                "render it again"
            )


def _name(
    container: OutputContainer, stream: VideoStream, plate: ClipIndex, timeline: Timeline
) -> None:
    custody = plate.custody
    if custody.timecode is not None:
        skipped = plate.timeline.pts.index(timeline.pts[0])
        stream.metadata["timecode"] = str(custody.timecode + skipped)
    if custody.reel:
        stream.metadata["reel_name"] = container.metadata["reel_name"] = custody.reel


def _span(timeline: Timeline, shown: Timeline) -> Span:
    base = timeline.time_base
    stop = timeline.pts[-1] + _duration(timeline, len(timeline) - 1)
    return Span(
        start_s=timeline.pts[0] * base, stop_s=stop * base, shown_s=shown.pts[0] * shown.time_base
    )


def _video_packets(segments: Sequence[Path]) -> Iterator[Packet]:
    headers: list[tuple[str, str]] = []
    for path in segments:
        try:
            with open_clip(path) as (container, stream):
                headers.append((path.name, header_hash(stream)))
                check_headers(headers)
                pictures: Stream = stream
                yield from (packet for packet in container.demux(pictures) if packet.size > 0)
        except PlateError as error:
            raise IntegrityError(f"a segment is damaged, render it again: {error}") from error


def _seen(packet: Packet) -> Fraction:
    if packet.pts is None or packet.time_base is None:
        raise IntegrityError("a segment's packet has no presentation time; render it again")
    return packet.pts * packet.time_base


def _duration(timeline: Timeline, index: int) -> int:
    pts = timeline.pts
    if index + 1 < len(pts):
        return pts[index + 1] - pts[index]
    return round(1 / (timeline.rate * timeline.time_base))


def _decoding_time(packet: Packet) -> Fraction:
    if packet.dts is None or packet.time_base is None:
        return Fraction(0)
    return packet.dts * packet.time_base
