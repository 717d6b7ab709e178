"""Copy what lies beside a plate's pictures, byte for byte: sound, data, subtitles.

It does not know pictures. Sound that a container cannot hold is refused; a subtitle or data
stream that it cannot hold is left behind, as no picture or sound depends on it.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet as AnyPacket
from av.stream import Stream

from bodyswap.errors import PlateError
from bodyswap.media.custody import Companion
from bodyswap.media.opening import source_of

Packet: TypeAlias = "AnyPacket[Stream]"

_PCM = ("pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be",
        "pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be")  # fmt: skip
_SHARED = frozenset({"aac", "alac", "ac3", "eac3", "mp3", "mp3float", "mov_text", *_PCM})
_HELD = {
    ".mp4": _SHARED | {"flac", "opus", "libopus", "vorbis", "libvorbis", "dca"},
    ".mov": _SHARED | {"pcm_u8", "pcm_s8", "pcm_mulaw", "pcm_alaw", "adpcm_ima_qt", "qdm2"},
}
"""Codecs of sound and subtitles that each container holds."""
_LARGEST_LEAD_S = Fraction(1, 10)
"""A coded sound packet needs the one before it; it is muxed too, and an edit list hides it."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of the plate's clock, half-open, and when its beginning is shown in the copy."""

    start_s: Fraction
    stop_s: Fraction
    shown_s: Fraction


def fits(companion: Companion, suffix: str) -> bool:
    """Whether a file of this suffix can hold the stream as it is coded now."""
    if companion.kind == "data":
        return companion.codec == "bin_data" and suffix == ".mp4"
    return companion.codec in _HELD[suffix]


def check_sound(plate: Path, companions: tuple[Companion, ...], suffix: str) -> None:
    """Refuse, before anything is rendered, sound that the delivery could not hold.

    Raises:
        PlateError: a sound stream cannot be copied into a file of this suffix.
    """
    for each in companions:
        if each.kind == "audio" and not fits(each, suffix):
            raise PlateError(
                f"the sound of {plate} is coded as {each.codec}, which {suffix[1:].upper()} cannot "
                "hold; convert the plate's sound to aac or 16-bit PCM"
            )


def copy_companions(
    container: OutputContainer,
    plate: Path,
    companions: tuple[Companion, ...],
    suffix: str,
    span: Span | None,
) -> list[Packet]:
    """Add the streams that fit to `container`; their packets, over `span` or all, to be muxed.

    Raises:
        PlateError: a sound stream cannot be copied into a file of this suffix.
    """
    check_sound(plate, companions, suffix)
    if not any(fits(each, suffix) for each in companions):
        return []
    with av.open(source_of(plate), "r", options={"protocol_whitelist": "file"}) as source:
        copies = _copied_streams(container, source, companions, suffix)
        packets = []
        for packet in source.demux(*(source.streams[index] for index in copies)):
            if packet.size and (span is None or _is_within(packet, span)):
                if span is not None:
                    _move(packet, span.shown_s - span.start_s)
                packet.stream = copies[packet.stream.index]
                packets.append(packet)
        return packets


def _copied_streams(
    container: OutputContainer,
    source: InputContainer,
    companions: tuple[Companion, ...],
    suffix: str,
) -> dict[int, Stream]:
    copies = {}
    for each in companions:
        if fits(each, suffix):
            stream = source.streams[each.index]
            copy = container.add_stream_from_template(stream)
            copy.time_base = stream.time_base
            copy.metadata.update(stream.metadata)
            copies[each.index] = copy
    return copies


def _is_within(packet: Packet, span: Span) -> bool:
    if packet.pts is None or packet.time_base is None:
        return False
    begins = packet.pts * packet.time_base
    ends = begins + (packet.duration or 0) * packet.time_base
    lead = min(packet.duration * packet.time_base, _LARGEST_LEAD_S) if packet.duration else 0
    return ends + lead > span.start_s and begins < span.stop_s


def _move(packet: Packet, by_s: Fraction) -> None:
    assert packet.time_base is not None
    ticks = round(by_s / packet.time_base)
    packet.pts = None if packet.pts is None else packet.pts + ticks
    packet.dts = None if packet.dts is None else packet.dts + ticks
