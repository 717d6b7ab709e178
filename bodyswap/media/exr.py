"""OpenEXR frames: scene-linear parts in one file, with the frame's timecode, rate and reel.

It does not know what the parts show. Shape letters: H rows, W columns, C channels.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import OpenEXR

from bodyswap.errors import PlateError, UsageError
from bodyswap.media.opening import LARGEST_PIXELS
from bodyswap.timecode import Timecode

Floats = npt.NDArray[np.floating]
Primaries = tuple[float, float, float, float, float, float, float, float]
"""CIE 1931 xy of red, green, blue and white."""

REC709: Primaries = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
_PAIRED_ABOVE = 30
"""EXR counts frames as tape did: faster than this, in pairs, the field mark telling which."""


class Compression(StrEnum):
    """How pixels are packed: ZIP gives back every bit, DWAA what an eye sees, in half the space."""

    ZIP = "zip"
    DWAA = "dwaa"


@dataclass(frozen=True, kw_only=True)
class FrameLabel:
    """Which frame a file is. `number` is people's; without `has_rate`, `rate` is a guess."""

    number: int
    rate: Fraction
    timecode: Timecode | None = None
    reel: str = ""
    has_rate: bool = True


@dataclass(frozen=True, kw_only=True)
class Part:
    """Named channels of one picture: (H, W) each; half floats, or whole ones where they are."""

    name: str
    channels: Mapping[str, Floats]


def write_exr(
    path: Path,
    parts: Sequence[Part],
    label: FrameLabel,
    compression: Compression,
    primaries: Primaries = REC709,
) -> None:
    """Write the parts, of light of these primaries, to `path`, which appears when it is whole."""
    packed = {Compression.ZIP: OpenEXR.ZIP_COMPRESSION, Compression.DWAA: OpenEXR.DWAA_COMPRESSION}
    header = {
        "type": OpenEXR.scanlineimage,
        "compression": packed[compression],
        "framesPerSecond": label.rate,
        "imageCounter": label.number,
        "chromaticities": primaries,
        **({"timeCode": _packed(label.timecode)} if label.timecode else {}),
        **({"reelName": label.reel} if label.reel else {}),
    }
    made = [OpenEXR.Part(dict(header), _contiguous(part), part.name) for part in parts]
    partial = path.with_name(f".{path.name}.partial")
    try:
        # One thread: a worker has as many processes as it has cores to use.
        OpenEXR.File(made, num_threads=1).write(str(partial))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_exr(path: Path) -> tuple[Part, ...]:
    """Every part of the file.

    Raises:
        PlateError: it is no EXR, or is cut short.
    """
    data = _bytes_of(path)
    promised = _opened(path, data, header_only=True).parts
    for part in promised:
        _check_size(path, part.header)
    opened = _opened(path, data)
    # Of a file that is cut short OpenEXR leaves out parts, and only prints that it did.
    if len(opened.parts) != len(promised):
        raise PlateError(f"{path} is cut short or damaged; copy it again")
    return tuple(
        Part(
            name=part.name(),
            channels={name: channel.pixels for name, channel in part.channels.items()},
        )
        for part in opened.parts
    )


def read_light(path: Path) -> Floats:
    """The red, green and blue, (H, W, 3), of the first part that has them.

    Raises:
        PlateError: it is no EXR, is cut short, or has no such part.
    """
    for part in read_exr(path):
        if {"R", "G", "B"} <= part.channels.keys():
            return np.dstack([part.channels[name] for name in "RGB"])
    raise PlateError(f"{path} has no part with the channels R, G and B")


def read_primaries(path: Path) -> Primaries | None:
    """Which red, green, blue and white the file says it is of; None where it does not say.

    Raises:
        PlateError: it is no EXR, or says what cannot be.
    """
    told = _opened(path, _bytes_of(path), header_only=True).parts[0].header.get("chromaticities")
    if told is None:
        return None
    try:
        rx, ry, gx, gy, bx, by, wx, wy = (float(value) for value in told)
    except (TypeError, ValueError) as error:
        raise PlateError(f"{path} says chromaticities that cannot be: {error}") from error
    return rx, ry, gx, gy, bx, by, wx, wy


def read_label(path: Path) -> FrameLabel:
    """Which frame the file says it is; 24 frames a second and number 0 where it does not say.

    Raises:
        PlateError: it is no EXR, or says what cannot be.
    """
    header = _opened(path, _bytes_of(path), header_only=True).parts[0].header
    try:
        rate = Fraction(header.get("framesPerSecond", 24))
        number = int(header.get("imageCounter", 0))
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise PlateError(f"{path} says no rate or number that can be: {error}") from error
    if rate <= 0:
        raise PlateError(f"{path} is at {rate} frames a second; write a rate above 0 into it")
    code = header.get("timeCode")
    return FrameLabel(
        number=number,
        rate=rate,
        timecode=None if code is None else _unpacked(code, rate),
        reel=str(header.get("reelName", "")),
        has_rate="framesPerSecond" in header,
    )


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PlateError(f"{path} cannot be read: {error.strerror}") from error


def _opened(path: Path, data: bytes, *, header_only: bool = False) -> OpenEXR.File:
    try:
        opened = OpenEXR.File(
            io.BytesIO(data), separate_channels=True, header_only=header_only, num_threads=1
        )
    # Text that is no UTF-8, and sizes that are no numbers, come out as Python's own errors.
    except (RuntimeError, ValueError, TypeError, MemoryError) as error:
        raise PlateError(f"{path} is not an OpenEXR file that can be read: {error}") from error
    if not opened.parts:
        raise PlateError(f"{path} is cut short or damaged; copy it again")
    return opened


def _check_size(path: Path, header: Mapping[str, object]) -> None:
    """Refuse a picture whose header alone would take all memory."""
    try:
        (left, top), (right, bottom) = cast(Iterable[Iterable[int]], header["dataWindow"])
    except (KeyError, TypeError, ValueError) as error:
        raise PlateError(f"{path} does not say how large it is; it is damaged") from error
    width, height = int(right) - int(left) + 1, int(bottom) - int(top) + 1
    if width < 1 or height < 1 or width * height > LARGEST_PIXELS:
        raise PlateError(f"{path} says it is {width}x{height}; 1x1 to 8192x8192 pixels are read")


def _contiguous(part: Part) -> dict[str, Floats]:
    kept = (np.float32, np.float16)
    return {
        name: np.ascontiguousarray(pixels, pixels.dtype if pixels.dtype in kept else np.float16)
        for name, pixels in part.channels.items()
    }


def _packed(code: Timecode) -> OpenEXR.TimeCode:
    hours, minutes, seconds, frame = code.fields
    field = 0
    if code.names_a_second > _PAIRED_ABOVE:
        frame, field = divmod(frame, 2)
    return OpenEXR.TimeCode(
        hours, minutes, seconds, frame, code.is_drop_frame, False, bool(field), *[False] * 3,
        *[0] * 8,
    )  # fmt: skip


def _unpacked(code: OpenEXR.TimeCode, rate: Fraction) -> Timecode | None:
    frame = code.frame
    if round(rate) > _PAIRED_ABOVE:
        frame = frame * 2 + bool(code.fieldPhase)
    mark = ";" if code.dropFrame else ":"
    text = f"{code.hours:02d}:{code.minutes:02d}:{code.seconds:02d}{mark}{frame:02d}"
    try:
        return Timecode.parse(text, rate)
    except UsageError:
        return None  # another program's, at a rate that the file does not tell
