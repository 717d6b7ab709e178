"""joins.png: how far apart the sides of each join were, and what shows across it in the shot.

It does not know how joins are measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from bodyswap.frames import RGB
from bodyswap.joins import Join
from bodyswap.quality import sheet
from bodyswap.timing import FIRST_FRAME_NUMBER, FrameRange

_GRAPH_PX, _GAP_PX, _LABEL_PX, _RIGHT_PX = 120, 30, 250, 90
_TITLE_PX = 2 * sheet.LINE_PX
_BAR_PX = 3


@dataclass(frozen=True, kw_only=True)
class _Graph:
    """Values by frame, from 0 up, and a level that is ruled through them."""

    words: str
    values: dict[int, float]
    level: float
    level_words: str

    @property
    def highest(self) -> float:
        return max(*self.values.values(), 1.2 * self.level, 1e-6)


def draw_join_scores(
    joins: Sequence[Join],
    frames: FrameRange,
    *,
    tolerance: float,
    first_number: int = FIRST_FRAME_NUMBER,
) -> RGB:
    """Two graphs over the shot's `frames`; mended joins and cuts are told by colour."""
    blocks = {join.frame: join.score.block for join in joins if join.score is not None}
    ratios = {join.frame: join.warping_ratio for join in joins if join.warping_ratio is not None}
    graphs = (
        _Graph(words="worst 8x8 block, grey", values=blocks or {frames.start: 0.0},
               level=tolerance, level_words="tolerance"),
        _Graph(words="warping error over usual", values=ratios or {frames.start: 0.0},
               level=1.0, level_words="as beside it"),
    )  # fmt: skip
    foot = _TITLE_PX + len(graphs) * (_GRAPH_PX + _GAP_PX)
    picture_HW3 = sheet.blank(foot + 2 * sheet.LINE_PX)
    texts = [((8.0, 6.0), f"joins of frames {frames.numbered(first_number)}", sheet.INK)]
    for number, graph in enumerate(graphs):
        y = _TITLE_PX + number * (_GRAPH_PX + _GAP_PX)
        texts += _drawn(picture_HW3, y, graph, joins, frames, first_number)
    note = (
        "bar: a join; orange: mended before delivery; upright line: a cut, where nothing is joined"
    )
    texts.append(((_LABEL_PX, foot - 4), note, sheet.FAINT_INK))
    return sheet.lettered(picture_HW3, texts)


def _drawn(
    picture_HW3: RGB,
    y: int,
    graph: _Graph,
    joins: Sequence[Join],
    frames: FrameRange,
    first_number: int,
) -> list[tuple[tuple[float, float], str, sheet.Colour]]:
    right = sheet.WIDTH_PX - _RIGHT_PX
    picture_HW3[y : y + _GRAPH_PX, _LABEL_PX:right] = sheet.faded(sheet.RULED, 0.5)
    for join in joins:
        x = _x(join.frame - frames.start, len(frames))
        if join.is_cut:
            picture_HW3[y : y + _GRAPH_PX, x : x + 1] = sheet.FAINT_INK
        elif join.frame in graph.values:
            top = _y(graph.values[join.frame], y, graph)
            ink = sheet.colour_of(0 if join.mended_frames else 2)
            picture_HW3[top : y + _GRAPH_PX, x - _BAR_PX // 2 : x + _BAR_PX // 2 + 1] = ink
    ruled = _y(graph.level, y, graph)
    cv2.line(picture_HW3, (_LABEL_PX, ruled), (right - 1, ruled), sheet.INK, 1)
    worst = max(graph.values, key=lambda frame: graph.values[frame])
    return [
        ((8.0, y + 4.0), graph.words, sheet.INK),
        ((8.0, y + 26.0), f"median {np.median(list(graph.values.values())):.3g}", sheet.FAINT_INK),
        ((8.0, y + 48.0), f"worst {graph.values[worst]:.3g}"
                          f" at frame {worst + first_number}", sheet.FAINT_INK),
        ((right + 8.0, ruled - 10.0), graph.level_words, sheet.FAINT_INK),
    ]  # fmt: skip


def _x(offset: int, count: int) -> int:
    room = sheet.WIDTH_PX - _LABEL_PX - _RIGHT_PX
    return round(_LABEL_PX + (offset + 0.5) * room / count)


def _y(value: float, y: int, graph: _Graph) -> int:
    return round(y + _GRAPH_PX - 4 - value / graph.highest * (_GRAPH_PX - 8))
