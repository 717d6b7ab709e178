"""Paper, ink and lettering of the pictures that people choose and judge by.

It does not know what the pictures show. Shape letters: H rows, W columns, 3 = red, green, blue.
"""

import colorsys
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bodyswap.frames import RGB
from bodyswap.skeleton import Floats, Skeleton

Colour = tuple[int, int, int]

PAPER: Colour = (18, 18, 18)
RULED: Colour = (44, 44, 44)
INK: Colour = (235, 235, 235)
FAINT_INK: Colour = (150, 150, 150)
WIDTH_PX = 1440
LETTER_PX = 14
LINE_PX = 24

_GOLDEN = 0.61803398875
_SUBPIXEL_BITS = 3


def colour_of(number: int) -> Colour:
    """A bright colour for each number, neighbours far apart."""
    hue = (0.08 + number * _GOLDEN) % 1
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.72, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)


def faded(colour: Colour, share: float) -> Colour:
    """The colour, so much of it, on paper."""
    red, green, blue = (
        round(paper + (ink - paper) * share) for ink, paper in zip(colour, PAPER, strict=True)
    )
    return red, green, blue


def blank(height: int, width: int = WIDTH_PX) -> RGB:
    """Empty paper."""
    return np.full((height, width, 3), PAPER, np.uint8)


def lettered(
    picture_HW3: RGB,
    texts: Sequence[tuple[tuple[float, float], str, Colour]],
    size: int = LETTER_PX,
) -> RGB:
    """The picture with each text in its colour, its top left at x, y."""
    image = Image.fromarray(picture_HW3)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size)
    for place, text, colour in texts:
        draw.text(place, text, fill=colour, font=font)
    return np.asarray(image, np.uint8)


def text_width(text: str, size: int = LETTER_PX) -> int:
    """How many pixels wide the text will be."""
    return round(ImageFont.load_default(size).getlength(text))


def fitted(picture_HW3: RGB, width: int, height: int) -> tuple[RGB, float]:
    """The picture as large as fits, on paper of this size at its top left; and its scale."""
    rows, columns = picture_HW3.shape[:2]
    scale = min(width / columns, height / rows)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    sheet = blank(height, width)
    sheet[: size[1], : size[0]] = cv2.resize(picture_HW3, size, interpolation=how)
    return sheet, scale


def tiled(panels: Sequence[RGB], columns: int, gap_px: int = 6) -> RGB:
    """Panels of one size in rows, as wide as a sheet or less."""
    height, width = panels[0].shape[:2]
    rows = -(-len(panels) // columns)
    sheet = blank(rows * (height + gap_px), columns * (width + gap_px) - gap_px)
    for number, panel in enumerate(panels):
        y, x = number // columns * (height + gap_px), number % columns * (width + gap_px)
        sheet[y : y + height, x : x + width] = panel
    return sheet


def stacked(parts: Sequence[RGB]) -> RGB:
    """Parts under one another, each padded with paper to the widest."""
    width = max(part.shape[1] for part in parts)
    padded = []
    for part in parts:
        sheet = blank(part.shape[0], width)
        sheet[:, : part.shape[1]] = part
        padded.append(sheet)
    return np.concatenate(padded)


def draw_limbs(
    picture_HW3: RGB, keypoints_K2: Floats, confidence_K: Floats, skeleton: Skeleton, colour: Colour
) -> None:
    """Draw the limbs of trusted joints into the picture, in one colour with a dark edge."""
    for thickness, ink in ((4, (0, 0, 0)), (2, colour)):
        for start, end in skeleton.limb_indices:
            if min(confidence_K[start], confidence_K[end]) > 0:
                first, last = (_fixed(keypoints_K2[joint]) for joint in (start, end))
                cv2.line(picture_HW3, first, last, ink, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)


def _fixed(point_2: Floats) -> tuple[int, int]:
    x, y = np.clip(np.nan_to_num(point_2), -4096, 8192) * (1 << _SUBPIXEL_BITS)
    return int(x), int(y)
