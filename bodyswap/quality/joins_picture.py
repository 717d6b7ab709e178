"""worst-joins.png: the joins that show most, the frames on both sides and the step between them.

It does not know files: it asks for the pictures it needs. Shape letters: H rows, W columns,
3 = red, green, blue, 8-bit.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from bodyswap.frames import RGB
from bodyswap.quality import sheet
from bodyswap.quality.joins import JoinQuality
from bodyswap.timing import FIRST_FRAME_NUMBER, FrameRange

JOINS_PICTURE = "worst-joins.png"
MOST_JOINS = 5
_GAIN = 4
_AROUND = 2
_PANEL_PX = 284


def worst_joins(joins: Sequence[JoinQuality]) -> list[JoinQuality]:
    """Those with the most excess, `MOST_JOINS` at most, worst first."""
    known = [(join.excess, join) for join in joins if join.excess is not None]
    return [join for _, join in sorted(known, key=lambda pair: -pair[0])][:MOST_JOINS]


def draw_joins(joins: Sequence[JoinQuality], frames: FrameRange, show: Callable[[int], RGB]) -> RGB:
    """A row a join. `show` gives the render's frame of an index counted from the shot's first."""
    worst = worst_joins(joins)
    rows = [] if worst else [_line("no join could be measured", sheet.WIDTH_PX)]
    for join in worst:
        place = join.frame - FIRST_FRAME_NUMBER - frames.start
        rows += [_line(_words(join), sheet.WIDTH_PX), _row(place, frames, show)]
    return sheet.stacked(rows)


def _row(place: int, frames: FrameRange, show: Callable[[int], RGB]) -> RGB:
    """The frames around the join, the step across it last."""
    shown = [index for index in range(place - _AROUND, place + _AROUND) if 0 <= index < len(frames)]
    pictures = {index: show(index) for index in shown}
    step = cv2.absdiff(pictures[place - 1], pictures[place]).astype(int) * _GAIN
    panels = [
        _panel(f"{index + frames.start + FIRST_FRAME_NUMBER}{_side(index, place)}", picture_HW3)
        for index, picture_HW3 in pictures.items()
    ]
    panels.append(_panel(f"the step across it x {_GAIN}", np.minimum(step, 255).astype(np.uint8)))
    return sheet.tiled(panels, len(panels))


def _side(index: int, place: int) -> str:
    return {place - 1: ", the last before the join", place: ", the first after it"}.get(index, "")


def _words(join: JoinQuality) -> str:
    told = [
        f"join at frame {join.frame}: warping error {join.warping_error:.2f} grey levels, beside it"
        f" {join.usual:.2f}, {join.ratio:.2f} times"
    ]
    if join.excess != join.ratio:
        told.append(f"{join.excess:.2f} without the reference's own step")
    if join.flicker_ratio is not None:
        told.append(f"still background {join.flicker_ratio:.1f} times")
    if join.stands_out:
        told.append("above every neighbour")
    return ", ".join(told)


def _panel(name: str, picture_HW3: RGB) -> RGB:
    rows, columns = picture_HW3.shape[:2]
    fitted, _ = sheet.fitted(picture_HW3, _PANEL_PX, round(rows * _PANEL_PX / columns))
    return np.concatenate([_line(name, _PANEL_PX), fitted])


def _line(text: str, width: int) -> RGB:
    return sheet.lettered(sheet.blank(sheet.LINE_PX, width), [((6, 4), text, sheet.INK)])
