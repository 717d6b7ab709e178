"""A plate's sound as WAV files beside frame files, which have no place for it: sample for sample.

It does not know who listens. PCM and lossless sound comes out as the samples that went in; what was
coded with loss is decoded once, to floats. Timecode is the Broadcast WAV's time reference.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from bodyswap.errors import PlateError
from bodyswap.media.custody import Companion
from bodyswap.media.index import ClipIndex
from bodyswap.media.opening import source_of
from bodyswap.timing import FrameRange

Samples = npt.NDArray[np.generic]
"""Interleaved, as a WAV has them: (1, samples x channels)."""

_KINDS = {"u8": "pcm_u8", "s16": "pcm_s16le", "s32": "pcm_s32le", "flt": "pcm_f32le",
          "dbl": "pcm_f64le"}  # fmt: skip
"""By the sample format that a decoder gives."""
_IN_24_BITS = ("pcm_s24le", "pcm_s24be")
"""Decoded to 32 bits, of which the lowest 8 are nothing."""
_READ = ("aac", "alac", "ac3", "eac3", "flac", "mp3", "mp3float", "opus", "libopus", "vorbis",
         "libvorbis", "dca", "pcm_")  # fmt: skip
_JITTER_S = Fraction(1, 50)
"""Containers round times: what is off by less than this goes on where the last packet ended."""


def check_readable_sound(plate: ClipIndex) -> None:
    """Refuse sound that could not be written beside frame files. Raises PlateError."""
    for each in _heard(plate):
        if not each.codec.startswith(_READ):
            raise PlateError(
                f"the sound of {plate.path} is coded as {each.codec or 'nothing known'}, which is"
                " not read; convert the plate's sound to aac or PCM"
            )


def write_sound(plate: ClipIndex, frames: FrameRange, folder: Path, stem: str) -> tuple[Path, ...]:
    """Each sound stream over `frames` of the plate, as `stem.wav`, `stem.sound-2.wav`, …

    The first sample is heard when the first of the frames is shown.

    Raises:
        PlateError: a stream is of a kind that is not read.
    """
    check_readable_sound(plate)
    made = []
    for place, each in enumerate(_heard(plate), start=1):
        path = folder / (f"{stem}.wav" if place == 1 else f"{stem}.sound-{place}.wav")
        partial = path.with_name(f".{path.name}.partial")
        try:
            _write(plate, frames, each, partial)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        made.append(path)
    return tuple(made)


def _heard(plate: ClipIndex) -> list[Companion]:
    return [each for each in plate.custody.companions if each.kind == "audio"]


def _write(plate: ClipIndex, frames: FrameRange, each: Companion, path: Path) -> None:
    with av.open(source_of(plate.path), "r", options={"protocol_whitelist": "file"}) as source:
        stream = source.streams[each.index]
        assert isinstance(stream, AudioStream)
        packed = stream.format.packed.name
        kind = "pcm_s24le" if each.codec in _IN_24_BITS else _KINDS[packed]
        options = {"rf64": "auto", "write_bext": "1", "fflags": "+bitexact"}
        with av.open(str(path), "w", format="wav", options=options) as container:
            out = container.add_stream(kind, rate=stream.rate, layout=stream.layout.name)
            assert isinstance(out, AudioStream)
            container.metadata["time_reference"] = str(_reference(plate, frames, stream.rate))
            for samples in _within(source.decode(stream), plate, frames, stream):
                # PyAV's stubs list the kinds of number one by one; `packed` says which it is.
                shaped = cast(npt.NDArray[np.int16], samples)
                frame = AudioFrame.from_ndarray(shaped, packed, stream.layout.name)
                frame.sample_rate = stream.rate
                container.mux(out.encode(frame))
            container.mux(out.encode())


def _within(
    heard: Iterator[AudioFrame], plate: ClipIndex, frames: FrameRange, stream: AudioStream
) -> Iterator[Samples]:
    """What is heard while the frames are shown; silence where the stream has nothing yet."""
    timeline, channels = plate.timeline, stream.layout.nb_channels
    first, last = timeline.pts[frames.start], timeline.pts[frames.stop - 1]
    start = round(first * timeline.time_base * stream.rate)
    stop = round((last * timeline.time_base + 1 / timeline.rate) * stream.rate)
    due: int | None = None
    written = start
    for frame in heard:
        placed = _placed(frame, due, stream.rate)
        due = placed + frame.samples
        begins, ends = max(placed, written), min(due, stop)
        if begins >= ends:
            continue
        samples = _interleaved(frame)
        if begins > written:
            yield np.zeros((1, (begins - written) * channels), samples.dtype)
        yield samples[:, (begins - placed) * channels : (ends - placed) * channels]
        written = ends


def _placed(frame: AudioFrame, due: int | None, rate: int) -> int:
    """Which sample of the plate's clock is the frame's first."""
    told = due
    if frame.pts is not None and frame.time_base is not None:
        told = round(frame.pts * frame.time_base * rate)
    if due is not None and (told is None or abs(told - due) < _JITTER_S * rate):
        return due
    return told or 0


def _interleaved(frame: AudioFrame) -> Samples:
    samples = frame.to_ndarray()
    if frame.format.is_planar:
        samples = samples.T.reshape(1, -1)
    return np.ascontiguousarray(samples)


def _reference(plate: ClipIndex, frames: FrameRange, rate: int) -> int:
    """Samples since midnight, by the timecode of the first frame."""
    code = plate.custody.timecode
    return 0 if code is None else round((code + frames.start).frame / plate.timeline.rate * rate)
