"""PNG with 16 bits a value, words beside them and what HDR values mean: Pillow writes none of it.

It does not know what the words mean. Shape letters: H rows, W columns.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from bodyswap.media.colour import ColourTags
from bodyswap.media.custody import HdrMetadata

_SIGNATURE = 8
_AFTER_HEADER = _SIGNATURE + 25
"""A PNG begins with its signature and its header chunk, always of this many bytes."""


_DISPLAY, _LEVELS = struct.Struct(">8H2I"), struct.Struct(">2I")
_CHROMATICITY, _LUMINANCE = 50_000, 10_000
"""The units of PNG's parts for HDR: fractions of a coordinate, and of a cd/m²."""


def png_16(
    codes_HW3: npt.NDArray[np.generic],
    words: Mapping[str, str],
    tags: ColourTags | None = None,
    hdr: HdrMetadata | None = None,
) -> bytes:
    """The picture, red, green, blue in 16 bits, as a PNG file with a text part a word.

    `tags` and `hdr` become cICP, mDCV and cLLI of the PNG specification, third edition.
    """
    bgr = np.ascontiguousarray(np.asarray(codes_HW3, np.uint16)[:, :, ::-1])
    done, packed = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 4])
    assert done
    data = packed.tobytes()
    chunks = b"" if tags is None else _hdr(tags, hdr)
    chunks += b"".join(_text(name, value) for name, value in words.items())
    return data[:_AFTER_HEADER] + chunks + data[_AFTER_HEADER:]


def _hdr(tags: ColourTags, hdr: HdrMetadata | None) -> bytes:
    # PNG holds red, green and blue, full range, whatever matrix a video of them would have.
    told = _part(b"cICP", bytes([tags.primaries, tags.transfer, 0, 1]))
    if hdr is None:
        return told
    points = [
        round(each * _CHROMATICITY)
        for xy in (hdr.red, hdr.green, hdr.blue, hdr.white)
        for each in xy
    ]
    range_of_light = [
        round(each * _LUMINANCE) for each in (hdr.largest_luminance, hdr.least_luminance)
    ]
    told += _part(b"mDCV", _DISPLAY.pack(*points, *range_of_light))
    if hdr.most_light or hdr.most_average_light:
        levels = [each * _LUMINANCE for each in (hdr.most_light, hdr.most_average_light)]
        told += _part(b"cLLI", _LEVELS.pack(*levels))
    return told


def read_hdr(path: Path) -> HdrMetadata | None:
    """The mastering display and light levels that the file at `path` says, where it says them."""
    found = dict(_parts(path.read_bytes()))
    display, levels = found.get(b"mDCV", b""), found.get(b"cLLI", b"")
    if len(display) != _DISPLAY.size:
        return None
    *points, largest, least = _DISPLAY.unpack(display)
    corners = [
        (Fraction(x, _CHROMATICITY), Fraction(y, _CHROMATICITY))
        for x, y in zip(points[::2], points[1::2], strict=True)
    ]
    most, average = _LEVELS.unpack(levels) if len(levels) == _LEVELS.size else (0, 0)
    return HdrMetadata(
        red=corners[0], green=corners[1], blue=corners[2], white=corners[3],
        least_luminance=Fraction(least, _LUMINANCE),
        largest_luminance=Fraction(largest, _LUMINANCE),
        most_light=most // _LUMINANCE, most_average_light=average // _LUMINANCE,
    )  # fmt: skip


def _parts(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The name and the bytes of each part before the picture itself."""
    at = _SIGNATURE
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        if name == b"IDAT":
            return
        yield name, data[at + 8 : at + 8 + size]
        at += size + 12


def _text(name: str, value: str) -> bytes:
    return _part(b"tEXt", name.encode("latin-1") + b"\0" + value.encode("latin-1"))


def _part(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
