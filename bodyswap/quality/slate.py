"""What a shot is looked at by: frames with their names burnt in, a contact sheet, a slate.

It does not know how a shot was made, only what it is told of it.
Shape letters: H rows, W columns, 3 = red, green, blue.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from bodyswap.frames import RGB
from bodyswap.quality.sheet import FAINT_INK, INK, blank, fitted, lettered, text_width, tiled
from bodyswap.timecode import Timecode

SLATE_WIDTH_PX, SLATE_HEIGHT_PX = 1280, 720
PAGE_PX = 1600
"""About how wide a contact sheet is."""
_MARGIN_PX = 48
_VALUES_PX, _PICTURES_PX = 190, 800
"""Where a slate's values begin after its margin, and its pictures."""
_TITLE_PX = 44
_FACT_PX = 22
_BURN_SHARE = 22
"""A burnt-in line is this part of the picture's height."""
_LEAST_LETTER_PX = 11
_BARS = (
    (192, 192, 192), (192, 192, 0), (0, 192, 192), (0, 192, 0), (192, 0, 192), (192, 0, 0),
    (0, 0, 192),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FrameNames:
    """What frames are called: by number, and by timecode where the plate has one."""

    first_number: int
    first_timecode: Timecode | None = None

    def of(self, index: int) -> str:
        """The name of the frame so many after the first."""
        number = f"{self.first_number + index}"
        return f"{number}   {self.first_timecode + index}" if self.first_timecode else number


def burn_in(pictures: Iterable[RGB], names: FrameNames) -> Iterator[RGB]:
    """Each picture with its name on a dark band at the foot, in from the corner."""
    for index, picture in enumerate(pictures):
        yield burnt(picture, names.of(index))


def burnt(picture_HW3: RGB, name: str) -> RGB:
    """The picture with the name on a dark band at its foot; the rest stays to the bit."""
    height, width = picture_HW3.shape[:2]
    size = max(_LEAST_LETTER_PX, height // _BURN_SHARE)
    pad = size // 3
    wide = min(width, text_width(name, size) + 2 * pad)
    band = picture_HW3[height - size - 2 * pad :, :wide] // 4
    inked = lettered(np.ascontiguousarray(band), [((pad, pad // 2), name, INK)], size)
    marked = picture_HW3.copy()
    marked[height - size - 2 * pad :, :wide] = inked
    return marked


def contact_sheet(
    pictures: Iterable[RGB], count: int, names: FrameNames, *, columns: int = 5, rows: int = 4
) -> RGB:
    """Frames of a shot of `count`, evenly spread from the first to the last, in reading order."""
    wanted = min(count, columns * rows)
    picked = set(np.linspace(0, count - 1, wanted).round().astype(int).tolist())
    panels: list[RGB] = []
    for index, picture in enumerate(pictures):
        if index in picked:
            panels.append(burnt(_narrowed(picture, PAGE_PX // columns), names.of(index)))
    return tiled(panels, min(columns, wanted))


def draw_slate(title: str, facts: Sequence[tuple[str, str]], thumbnails: Sequence[RGB]) -> RGB:
    """The page before a shot: what it is, three of its frames, and bars to judge a screen by."""
    slate = blank(SLATE_HEIGHT_PX, SLATE_WIDTH_PX)
    texts = [((_MARGIN_PX, _MARGIN_PX - 12), title, INK)]
    slate = lettered(slate, texts, _TITLE_PX)
    top = _MARGIN_PX + _TITLE_PX + 24
    lines = []
    for place, (name, value) in enumerate(facts):
        y = top + place * (_FACT_PX + 12)
        room = _PICTURES_PX - _MARGIN_PX - _VALUES_PX - 20
        told = _shortened(value, room)
        lines += [((_MARGIN_PX, y), name, FAINT_INK), ((_MARGIN_PX + _VALUES_PX, y), told, INK)]
    slate = lettered(slate, lines, _FACT_PX).copy()
    _paste_thumbnails(slate, thumbnails, top)
    return _with_bars(slate)


def _shortened(text: str, room_px: int) -> str:
    """The text, its middle left out where it is wider than the room there is."""
    kept = len(text)
    while kept > 2 and text_width(text, _FACT_PX) > room_px:
        kept -= 1
        text = f"{text[: kept // 2]}…{text[-(kept // 2) :]}"
    return text


def _paste_thumbnails(slate: RGB, thumbnails: Sequence[RGB], top: int) -> None:
    left, gap = _PICTURES_PX, 14
    bottom = SLATE_HEIGHT_PX - 72 - _MARGIN_PX // 2
    height = (bottom - top - gap * (len(thumbnails) - 1)) // max(1, len(thumbnails))
    for place, thumbnail in enumerate(thumbnails):
        panel, _ = fitted(thumbnail, SLATE_WIDTH_PX - left - _MARGIN_PX, height)
        y = top + place * (height + gap)
        slate[y : y + height, left : left + panel.shape[1]] = panel


def _with_bars(slate: RGB) -> RGB:
    """Colour bars, and a ramp of grey under them."""
    bars = np.repeat(np.array([_BARS], np.uint8), 44, axis=0)
    ramp = np.linspace(0, 255, SLATE_WIDTH_PX).round().astype(np.uint8)
    wide = cv2.resize(bars, (SLATE_WIDTH_PX, 44), interpolation=cv2.INTER_NEAREST)
    slate[-72:-28] = wide
    slate[-28:] = ramp[None, :, None]
    return slate


def _narrowed(picture_HW3: RGB, width: int) -> RGB:
    height = max(1, round(picture_HW3.shape[0] * width / picture_HW3.shape[1]))
    how = cv2.INTER_AREA if width < picture_HW3.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture_HW3, (width, height), interpolation=how), np.uint8)
