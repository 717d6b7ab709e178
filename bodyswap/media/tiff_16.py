"""TIFF with 16 bits a value and words beside them, which FFmpeg's encoder does not write.

It does not know what the words mean. Shape letters: H rows, W columns, C channels: red, green,
blue, and straight alpha where there is a fourth.
"""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from bodyswap.errors import PlateError

_ENTRY = 12
_DESCRIPTION, _ASCII = 270, 2
_TOLD = "ImageDescription"
"""What FFmpeg calls that tag."""


def tiff_16(codes_HWC: npt.NDArray[np.uint16], words: str) -> bytes:
    """The picture as a TIFF file, its pixels deflated, that is described by `words`."""
    height, width, channels = codes_HWC.shape
    kind = "rgba64le" if channels == 4 else "rgb48le"
    encoder = VideoCodecContext.create("tiff", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, kind
    encoder.time_base = Fraction(1)
    encoder.options = {"compression_algo": "deflate"}
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(codes_HWC), format=kind)
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    return _described(b"".join(bytes(packet) for packet in packets), words)


def read_words(path: Path) -> str:
    """What describes the picture, which is decoded whole; "" where nothing does.

    Raises:
        PlateError: it is no TIFF, or is cut short.
    """
    options = {"protocol_whitelist": "file", "err_detect": "explode"}
    try:
        with av.open(f"file:{path}", format="tiff_pipe", options=options) as container:
            frame = next(container.decode(video=0))
    except (av.FFmpegError, StopIteration) as error:
        raise PlateError(f"{path.name} is damaged or cut short") from error
    return str(frame.metadata.get(_TOLD, ""))


def _described(data: bytes, words: str) -> bytes:
    """The file with a directory that has one entry more, behind all that was there."""
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    entries = [
        data[place : place + _ENTRY]
        for place in range(start + 2, start + 2 + count * _ENTRY, _ENTRY)
    ]
    text = words.encode("utf-8") + b"\0"
    text += b"\0" * (len(data + text) % 2)  # a directory begins at an even place
    entries.append(struct.pack("<HHII", _DESCRIPTION, _ASCII, len(text), len(data)))
    entries.sort(key=lambda entry: struct.unpack_from("<H", entry))
    directory = struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", 0)
    return data[:4] + struct.pack("<I", len(data + text)) + data[8:] + text + directory
