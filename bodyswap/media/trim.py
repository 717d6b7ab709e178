"""Cut the beginning off a segment without coding it again, at a picture that needs none before it.

It does not know what a segment shows. The rest keeps its codec header and its times.
"""

from collections.abc import Iterator
from pathlib import Path

from av.packet import Packet as AnyPacket
from av.video.stream import VideoStream

from bodyswap.errors import IntegrityError, PlateError
from bodyswap.media.opening import open_clip
from bodyswap.media.writer import FRAGMENTED, open_output
from bodyswap.timing import Timeline


def keyframes_of(segment: Path) -> tuple[int, ...]:
    """The presentation times, in ticks of the segment's clock, at which it may be cut.

    Raises:
        IntegrityError: the segment is damaged.
    """
    return tuple(
        packet.pts for packet in _packets(segment) if packet.is_keyframe and packet.pts is not None
    )


def trim(segment: Path, timeline: Timeline, *, from_pts: int, out: Path) -> None:
    """Write what `segment` shows from the keyframe at `from_pts` on to `out`, packets unchanged.

    Raises:
        IntegrityError: the segment is damaged, or has no keyframe there.
    """
    if from_pts not in keyframes_of(segment):
        raise IntegrityError(
            f"{segment.name} cannot be cut at pts {from_pts}: no keyframe is there"
        )
    with (
        open_clip(segment) as (_, template),
        open_output(out, timeline, movflags=FRAGMENTED) as container,
    ):
        stream = container.add_stream_from_template(template)
        stream.time_base = timeline.time_base
        for packet in _packets(segment):
            if packet.pts is not None and packet.pts >= from_pts:
                packet.stream = stream
                container.mux(packet)


def _packets(segment: Path) -> Iterator["AnyPacket[VideoStream]"]:
    try:
        with open_clip(segment) as (container, stream):
            yield from (packet for packet in container.demux(stream) if packet.size > 0)
    except PlateError as error:
        raise IntegrityError(f"a segment is damaged, render it again: {error}") from error
