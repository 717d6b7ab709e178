"""Plate, pose, render and truth side by side, as a video and as one picture.

It does not know how any of them was made, and holds one row of frames at a time.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from bodyswap.encode import CODECS, encode
from bodyswap.frames import RGB
from bodyswap.timing import FIRST_FRAME_NUMBER, FrameRange, Timeline

_CAPTION_PX = 22
_PAPER = 18
_INK = 235


@dataclass(frozen=True, kw_only=True)
class Column:
    """One thing to compare: a caption, and its frames in order."""

    caption: str
    pictures: Iterable[RGB]


def compare_rows(columns: list[Column], *, height: int = 256) -> Iterator[RGB]:
    """For each frame, all columns at `height` pixels, captioned, side by side."""
    for pictures in zip(*(column.pictures for column in columns), strict=True):
        panels = [
            _captioned(_at_height(picture, height), column.caption)
            for picture, column in zip(pictures, columns, strict=True)
        ]
        yield np.concatenate(panels, axis=1)


def write_comparison(
    rows: Iterable[RGB],
    path: Path,
    *,
    timeline: Timeline,
    sheet: Path,
    sheet_rows: int = 8,
    first_number: int = FIRST_FRAME_NUMBER,
) -> None:
    """Write the rows as H.264 to `path`, on `timeline`, and some of them as one PNG to `sheet`.

    `first_number` is what people call the first row's frame.
    """
    frames = FrameRange(start=0, stop=len(timeline))
    picked = set(np.linspace(0, len(timeline) - 1, sheet_rows).round().astype(int).tolist())
    kept: list[RGB] = []

    def passing() -> Iterator[RGB]:
        for index, row in enumerate(rows):
            if index in picked:
                kept.append(_captioned(row, f"frame {first_number + index}"))
            yield row

    encode(passing(), path, timeline=timeline, frames=frames, codec=CODECS["h264"])
    write_picture(np.concatenate(kept, axis=0), sheet)


def write_picture(picture_HW3: RGB, path: Path) -> None:
    """Write a PNG that appears under its name only when it is whole."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        Image.fromarray(picture_HW3).save(partial, format="PNG")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _at_height(picture_HW3: RGB, height: int) -> RGB:
    rows, columns = picture_HW3.shape[:2]
    if rows == height and columns % 2 == 0:
        return picture_HW3
    width = max(2, round(columns * height / rows / 2) * 2)
    shrinks = rows > height
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture_HW3, (width, height), interpolation=how), np.uint8)


def _captioned(picture_HW3: RGB, caption: str) -> RGB:
    strip = Image.new("RGB", (picture_HW3.shape[1], _CAPTION_PX), (_PAPER,) * 3)
    ImageDraw.Draw(strip).text((6, 4), caption, fill=(_INK,) * 3)
    return np.concatenate([np.asarray(strip), picture_HW3], axis=0)
