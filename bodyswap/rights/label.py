"""A label that everybody can see, in a corner of the picture.

It does not know what it says. The same text on the same size of picture gives the same pixels.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bodyswap.frames import RGB

_OF_HEIGHT, _LEAST_PX = 0.035, 11
_BACKING = 0.55
"""How much of the picture's light the box behind the letters takes."""


def labelled(picture_HW3: RGB, text: str) -> RGB:
    """The picture with `text` in light letters on a dark box, at the bottom left."""
    height, width = picture_HW3.shape[:2]
    letters_HW = _letters(text, height, width)
    rows, columns = letters_HW.shape
    bottom, left = height - rows - rows // 2, rows // 2
    out = picture_HW3.copy()
    place = out[max(bottom, 0) : max(bottom, 0) + rows, left : left + columns]
    mask_HW1 = letters_HW[: place.shape[0], : place.shape[1], None]
    dark = place * (1 - _BACKING)
    place[:] = np.rint(dark + mask_HW1 * (255 - dark)).astype(np.uint8)
    return out


@lru_cache(maxsize=8)
def _letters(text: str, height: int, width: int) -> NDArray[np.float32]:
    """How far each pixel of the box belongs to a letter; smaller letters where they need room."""
    size = max(round(height * _OF_HEIGHT), _LEAST_PX)
    while True:
        font = ImageFont.load_default(size)
        left, top, right, bottom = font.getbbox(text)
        margin = max(size // 3, 2)
        box = (round(right - left) + 2 * margin, round(bottom - top) + 2 * margin)
        if box[0] + box[1] <= width or size <= _LEAST_PX // 2:
            break
        size -= 1
    picture = Image.new("L", box, 0)
    ImageDraw.Draw(picture).text((margin - left, margin - top), text, fill=255, font=font)
    return np.asarray(picture, np.float32) / np.float32(255)
