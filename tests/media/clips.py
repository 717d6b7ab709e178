"""Tiny clips made for the tests: every frame differs from every other, and so can be told apart."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.stream import Stream

from bodyswap.frames import RGB, RGBA
from bodyswap.media.codec import Codec
from bodyswap.timing import FrameRange, Timeline

_ANY_CLOCK = ("libx264", "libx265", "libvpx-vp9")


def steady(count: int, rate: Fraction | int = 24, *, first_pts: int = 0) -> Timeline:
    """`count` evenly spaced frames on a fine clock that fits the rate."""
    rate = Fraction(rate)
    time_base = Fraction(1, rate.numerator * 512)
    step = 512 * rate.denominator
    pts = tuple(first_pts + index * step for index in range(count))
    return Timeline(pts=pts, time_base=time_base, rate=rate)


def pictures(count: int, *, width: int = 64, height: int = 48, first: int = 0) -> list[RGB]:
    """A bright block that wanders over a gradient."""
    y, x = np.mgrid[:height, :width]
    made = []
    for index in range(first, first + count):
        red = (x * 3 + index * 5) % 256
        green = (y * 4 + index * 9) % 256
        blue = np.full_like(red, (index * 13) % 256)
        picture = np.stack([red, green, blue], axis=-1).astype(np.uint8)
        left = (index * 7) % (width - 12)
        picture[8:20, left : left + 12] = (250, 240, 30)
        made.append(picture)
    return made


def pictures_for(codec: Codec, count: int, *, first: int = 0) -> list[RGB | RGBA]:
    """The same at a size that the codec takes, with a round matte where it has alpha."""
    width, height = max(64, codec.least[0]), max(48, codec.least[1])
    made = pictures(count, width=width, height=height, first=first)
    if not codec.has_alpha:
        return list(made)
    return [np.dstack([picture, round_matte(width, height)]) for picture in made]


def round_matte(width: int, height: int) -> RGB:
    """8-bit alpha: whole in the middle, soft at the rim, nothing at the corners."""
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(x - width / 2, y - height / 2) / height
    return np.rint(255 * np.clip((0.45 - distance) / 0.2, 0, 1)).astype(np.uint8)


def write_clip(
    path: Path,
    frames: Sequence[RGB],
    *,
    timeline: Timeline | None = None,
    encoder: str = "libx264",
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    turned: int = 0,
    sound: str = "",
    layouts: Sequence[str] = ("mono",),
    names: dict[str, str] | None = None,
    sample_aspect: Fraction | None = None,
    notes: bool = False,
) -> Path:
    """A clip as cameras and editors write them: B-frames, open groups of pictures, sound.

    `names` are metadata of the video stream; with `notes` there are a subtitle and a data stream.
    """
    clock = timeline or steady(len(frames))
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(encoder, rate=clock.rate, options=options or {})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixel_format
        if sample_aspect is not None:
            stream.sample_aspect_ratio = sample_aspect
        if encoder in _ANY_CLOCK:
            stream.codec_context.time_base = clock.time_base
        if turned:
            stream.set_display_rotation(turned)
        if names:
            stream.metadata.update(names)
            container.metadata.update(names)
        heard = [container.add_stream(sound, rate=48000, layout=each) for each in layouts if sound]
        beside = _note_streams(container) if notes else []
        for each in heard:
            container.mux(each.encode(_noise(len(frames) / float(clock.rate), each)))
            container.mux(each.encode())
        for place, each in enumerate(beside):
            container.mux(_note(place, each))
        for picture, pts in zip(frames, clock.pts, strict=True):
            container.mux(stream.encode(_frame(picture, pts, clock)))
        container.mux(stream.encode())
    return path


def packets_beside(path: Path) -> dict[tuple[str, int], list[bytes]]:
    """The coded bytes of every stream that is no picture and no timecode, by kind and place.

    Two zero bytes are what a muxer puts where no subtitle is shown.
    """
    found: dict[tuple[str, int], list[bytes]] = {}
    with av.open(str(path)) as container:
        places: dict[int, tuple[str, int]] = {}
        for stream in container.streams:
            if stream.type != "video" and "timecode" not in stream.metadata:
                place = sum(kind == stream.type for kind, _ in places.values())
                places[stream.index] = (stream.type, place)
                found[stream.type, place] = []
        for packet in container.demux():
            if packet.stream.index in places and bytes(packet) not in (b"", bytes(2)):
                found[places[packet.stream.index]].append(bytes(packet))
    return found


def heard_in(path: Path) -> npt.NDArray[np.int16]:
    """The first sound stream's samples, each where its time puts it."""
    with av.open(str(path)) as container:
        placed = []
        for frame in container.decode(audio=0):
            assert frame.pts is not None and frame.time_base is not None
            placed.append((round(frame.pts * frame.time_base * 48000), frame.to_ndarray()[0]))
    heard = np.zeros(max(start + len(samples) for start, samples in placed), np.int16)
    for start, samples in placed:
        heard[start : start + len(samples)] = samples
    return heard


def cut_in(count: int, parts: int) -> list[FrameRange]:
    """`count` frames in `parts` ranges of unequal length."""
    uneven = 1 if count > 2 * parts else 0
    inner = (count * part // parts + part % 2 * uneven for part in range(1, parts))
    edges = [0, *inner, count]
    return [FrameRange(start=start, stop=stop) for start, stop in pairwise(edges)]


def _frame(picture: RGB, pts: int, clock: Timeline) -> av.VideoFrame:
    deep = {np.dtype(np.uint8): {3: "rgb24", 4: "rgba"}, np.dtype(np.uint16): {4: "rgba64le"}}
    kind = deep[picture.dtype][picture.shape[2]]
    frame = av.VideoFrame.from_ndarray(picture, format=kind)
    frame.pts, frame.time_base = pts, clock.time_base
    return frame


def _noise(seconds: float, stream: av.AudioStream) -> av.AudioFrame:
    channels = stream.layout.nb_channels
    noise = np.random.default_rng(7).normal(0, 0.1, (channels, int(seconds * 48000)))
    every = noise.clip(-1, 1).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(every, format="fltp", layout=stream.layout.name)
    frame.sample_rate = 48000
    frame.pts = 0
    return frame


def _note_streams(container: av.container.OutputContainer) -> list[Stream]:
    return [container.add_mux_stream("mov_text"), container.add_data_stream("bin_data")]


def _note(place: int, stream: Stream) -> "av.Packet[Stream]":
    text = f"take {place}".encode()
    packet = av.Packet(len(text).to_bytes(2, "big") + text)
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts = packet.dts = 40
    packet.duration = 200
    return packet
