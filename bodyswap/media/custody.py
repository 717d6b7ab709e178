"""What a clip says beside its pictures: timecode, reel, pixel shape, HDR, and the other streams.

It does not know what is kept of it: `companions` copies the streams, `concat` writes the names.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Self, cast

from av.buffer import Buffer
from av.container import InputContainer
from av.sidedata.sidedata import Type as SideData
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from bodyswap.errors import UsageError
from bodyswap.timecode import Timecode

KINDS = ("audio", "data", "subtitle")


@dataclass(frozen=True, kw_only=True)
class Companion:
    """A stream beside the picture: `kind` is one of KINDS; `codec` is "" where none is known."""

    index: int
    kind: str
    codec: str


@dataclass(frozen=True, kw_only=True)
class HdrMetadata:
    """SMPTE ST 2086 mastering display in CIE 1931 xy and cd/m², and CTA-861.3 light levels."""

    red: tuple[Fraction, Fraction]
    green: tuple[Fraction, Fraction]
    blue: tuple[Fraction, Fraction]
    white: tuple[Fraction, Fraction]
    least_luminance: Fraction
    largest_luminance: Fraction
    most_light: int = 0
    most_average_light: int = 0

    @classmethod
    def of_frame(cls, frame: VideoFrame) -> Self | None:
        """The frame's own, or None where it does not have a whole mastering display."""
        try:
            # PyAV's stubs call the container of side data one item of it.
            found = cast(Mapping[SideData, Buffer], frame.side_data)
        except ValueError:  # of a kind that PyAV has no name for, such as a photograph's EXIF
            return None
        display = found.get(SideData.MASTERING_DISPLAY_METADATA)
        if display is None:
            return None
        *numbers, has_primaries, has_luminance = struct.unpack("<22i", bytes(display)[:88])
        if not (has_primaries and has_luminance):
            return None
        values = [Fraction(*numbers[at : at + 2]) for at in range(0, 20, 2)]
        points = [(values[at], values[at + 1]) for at in range(0, 8, 2)]
        light = found.get(SideData.CONTENT_LIGHT_LEVEL)
        most, average = (0, 0) if light is None else struct.unpack("<2I", bytes(light)[:8])
        return cls(
            red=points[0], green=points[1], blue=points[2], white=points[3],
            least_luminance=values[8], largest_luminance=values[9],
            most_light=most, most_average_light=average,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Custody:
    """What must not be lost between plate and delivery. `sample_aspect` is a pixel's width by its
    height; `reel` is "" where the clip names none."""

    timecode: Timecode | None = None
    reel: str = ""
    sample_aspect: Fraction = Fraction(1)
    hdr: HdrMetadata | None = None
    companions: tuple[Companion, ...] = ()


def read_custody(
    container: InputContainer, stream: VideoStream, first: VideoFrame, rate: Fraction
) -> Custody:
    """What the open clip, whose first frame is `first`, says of itself."""
    names = _names(container, stream)
    return Custody(
        timecode=_timecode(names.get("timecode", ""), rate),
        reel=names.get("reel_name", ""),
        sample_aspect=Fraction(stream.sample_aspect_ratio or 1),
        hdr=HdrMetadata.of_frame(first),
        companions=tuple(
            Companion(index=each.index, kind=each.type, codec=_codec(each))
            for each in container.streams
            if each.type in KINDS and not _is_timecode_track(each)
        ),
    )


def _names(container: InputContainer, stream: VideoStream) -> dict[str, str]:
    """Metadata by lower-case key; the video stream's own word counts most."""
    tracks = [each for each in container.streams if _is_timecode_track(each)]
    names: dict[str, str] = {}
    for words in (container.metadata, *(track.metadata for track in tracks), stream.metadata):
        names |= {key.lower(): value for key, value in words.items() if value}
    return names


def _timecode(text: str, rate: Fraction) -> Timecode | None:
    """A camera may write nonsense here; a plate is not refused for it."""
    for attempt in (text, text.replace(";", ":").replace(".", ":")):
        try:
            return Timecode.parse(attempt, rate)
        except UsageError:
            continue
    return None


def _is_timecode_track(stream: Stream) -> bool:
    return stream.type == "data" and "timecode" in stream.metadata


def _codec(stream: Stream) -> str:
    context = stream.codec_context
    return str(stream.name) if context is None else context.name
