"""Join segments by packet copy: nothing is decoded, nothing coded again.

It does not know which job they are of. Presentation times come from the plate's timeline by rank;
decoding times follow from them and the codec's reordering, so both rise without gap or overlap.
"""

from collections.abc import Iterator, Sequence
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
    packets = _retimed(list(_video_packets(segments)), timeline, shown)
    with open_output(out, timeline, movflags="+faststart+use_metadata_tags") as container:
        with open_clip(segments[0]) as (_, template):
            stream = container.add_stream_from_template(template, rate=timeline.rate)
            stream.codec_context.codec_tag = template.codec_context.codec_tag
            stream.time_base = timeline.time_base
        for packet in packets:
            packet.stream = stream
        every = list(packets)
        if plate is not None:
            _name(container, stream, plate, timeline)
            span = None if timeline == plate.timeline else _span(timeline, shown)
            companions = plate.custody.companions
            every += copy_companions(container, plate.path, companions, out.suffix, span)
        for each in sorted(every, key=_decoding_time):
            container.mux(each)


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
    header = ""
    for path in segments:
        try:
            with open_clip(path) as (container, stream):
                header = header or header_hash(stream)
                if header_hash(stream) != header:
                    raise IntegrityError(
                        f"{path.name} was coded with other settings than {segments[0].name}; "
                        "they cannot be joined, render it again"
                    )
                pictures: Stream = stream
                yield from (packet for packet in container.demux(pictures) if packet.size > 0)
        except PlateError as error:
            raise IntegrityError(f"a segment is damaged, render it again: {error}") from error


def _retimed(packets: list[Packet], timeline: Timeline, shown: Timeline) -> list[Packet]:
    """Packets in decoding order, at `timeline`'s times until now, put at those of `shown`."""
    seen: list[Fraction] = []
    for packet in packets:
        if packet.pts is None or packet.time_base is None:
            raise IntegrityError("a segment's packet has no presentation time; render it again")
        seen.append(packet.pts * packet.time_base)
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
    for index, (packet, place) in enumerate(zip(packets, order, strict=True)):
        packet.time_base = shown.time_base
        packet.pts, packet.dts = shown.pts[place], shown.pts[index] - lead
        packet.duration = _duration(shown, place)
    return packets


def _duration(timeline: Timeline, index: int) -> int:
    pts = timeline.pts
    if index + 1 < len(pts):
        return pts[index + 1] - pts[index]
    return round(1 / (timeline.rate * timeline.time_base))


def _decoding_time(packet: Packet) -> Fraction:
    if packet.dts is None or packet.time_base is None:
        return Fraction(0)
    return packet.dts * packet.time_base
