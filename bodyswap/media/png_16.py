"""PNG with 16 bits a value and words beside them, which Pillow does not write.

It does not know what the words mean. Shape letters: H rows, W columns.
"""

import struct
import zlib
from collections.abc import Mapping

import cv2
import numpy as np
import numpy.typing as npt

_AFTER_HEADER = 8 + 25
"""A PNG begins with its signature and its header chunk, always of this many bytes."""


def png_16(codes_HW3: npt.NDArray[np.generic], words: Mapping[str, str]) -> bytes:
    """The picture, red, green, blue in 16 bits, as a PNG file with a text chunk a word."""
    bgr = np.ascontiguousarray(np.asarray(codes_HW3, np.uint16)[:, :, ::-1])
    done, packed = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 4])
    assert done
    data = packed.tobytes()
    chunks = b"".join(_text(name, value) for name, value in words.items())
    return data[:_AFTER_HEADER] + chunks + data[_AFTER_HEADER:]


def _text(name: str, value: str) -> bytes:
    body = b"tEXt" + name.encode("latin-1") + b"\0" + value.encode("latin-1")
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
