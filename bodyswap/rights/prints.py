"""Perceptual prints of pictures: short, and nearly the same for pictures that look the same.

The one user of imagehash. It does not know which pictures are worth a print, or where prints are
kept. A print proves nothing; it finds again what has lost its watermark.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bodyswap.frames import RGB

_SIDE = 16
BITS = _SIDE * _SIDE
ALIKE_BITS = 40
"""Prints of pictures that look the same differ by no more; strangers' differ by about 128."""


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """How a file compares with a shot: the typical frame's distance, and how many are alike."""

    distance_bits: float
    alike: float

    @property
    def is_match(self) -> bool:
        return self.alike >= 0.5


def print_of(picture_HW3: RGB) -> str:
    """The picture's print, in hex: the signs of its slowest waves (a DCT)."""
    import imagehash
    from PIL import Image

    return str(imagehash.phash(Image.fromarray(picture_HW3), hash_size=_SIDE))


def likeness(pictures: Sequence[str], shot: Sequence[str]) -> Likeness:
    """How the prints of a file's `pictures` compare with those of a shot's key frames.

    Each picture is held against the shot's nearest: the file may be a part of it.
    """
    ours_NB, theirs_MB = _bits(pictures), _bits(shot)
    nearest_N = (ours_NB[:, None] != theirs_MB[None]).sum(axis=2).min(axis=1)
    return Likeness(
        distance_bits=float(np.median(nearest_N)), alike=float((nearest_N <= ALIKE_BITS).mean())
    )


def _bits(prints: Sequence[str]) -> np.ndarray:
    rows = [np.frombuffer(bytes.fromhex(each), np.uint8) for each in prints]
    return np.unpackbits(np.stack(rows), axis=1)
