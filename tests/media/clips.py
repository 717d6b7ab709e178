"""Tiny clips made for the tests: every frame differs from every other, and so can be told apart."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np

from bodyswap.frames import RGB
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
) -> Path:
    """A clip as cameras and editors write them: B-frames, open groups of pictures, sound."""
    clock = timeline or steady(len(frames))
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(encoder, rate=clock.rate, options=options or {})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixel_format
        if encoder in _ANY_CLOCK:
            stream.codec_context.time_base = clock.time_base
        if turned:
            stream.set_display_rotation(turned)
        if sound:
            heard = container.add_stream(sound, rate=48000, layout="mono")
            container.mux(heard.encode(_tone(len(frames) / float(clock.rate))))
            container.mux(heard.encode())
        for picture, pts in zip(frames, clock.pts, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = pts, clock.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def sound_packets(path: Path) -> list[bytes]:
    """The coded sound of a clip."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        return [bytes(packet) for packet in container.demux(stream) if packet.size]


def cut_in(count: int, parts: int) -> list[FrameRange]:
    """`count` frames in `parts` ranges of unequal length."""
    uneven = 1 if count > 2 * parts else 0
    inner = (count * part // parts + part % 2 * uneven for part in range(1, parts))
    edges = [0, *inner, count]
    return [FrameRange(start=start, stop=stop) for start, stop in pairwise(edges)]


def _tone(seconds: float) -> av.AudioFrame:
    wave = np.sin(np.arange(int(seconds * 48000)) * 0.05).astype(np.float32) * 0.3
    frame = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
    frame.sample_rate = 48000
    frame.pts = 0
    return frame
