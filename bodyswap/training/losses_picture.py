"""losses.csv as a picture: a graph for each loss that was ever counted, over all steps so far.

It does not know what the losses mean. Shape letters: N steps, P points, H rows, W columns,
3 = red, green, blue.
"""

import csv
import io
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from bodyswap.frames import RGB
from bodyswap.quality import sheet
from bodyswap.training.state import LossRecord

LOSSES_PICTURE = "losses.png"

_GRAPH_PX, _GAP_PX, _LABEL_PX, _RIGHT_PX, _EDGE_PX = 72, 18, 200, 80, 3
_MOST_POINTS, _LEAST_STEPS = 160, 10
"""A graph's line has at most so many points, each the median of at least so many steps."""
_TOP_PERCENTILE = 99.0
"""What lies above is cut off: the first steps would press all others down."""

Series = npt.NDArray[np.float64]
Texts = list[tuple[tuple[float, float], str, sheet.Colour]]


def draw_losses(text: str) -> RGB:
    """The picture of a loss record, from its first step."""
    steps_N, losses = _read(text)
    drawn = {name: values_N for name, values_N in losses.items() if np.any(values_N)}
    top, height = 2 * sheet.LINE_PX, _GRAPH_PX + _GAP_PX
    picture_HW3 = sheet.blank(top + len(drawn) * height + 2 * sheet.LINE_PX)
    until = int(steps_N[-1]) if len(steps_N) else 0
    texts: Texts = [((8, 6), f"losses up to step {until}", sheet.INK)]
    for number, (name, values_N) in enumerate(drawn.items()):
        texts += _graph(picture_HW3, top + number * height, name, steps_N, values_N)
    foot = top + len(drawn) * height - _GAP_PX + 4
    for step in np.unique(np.linspace(0, until, 6).round().astype(int)).tolist():
        x = _x(step, until) - sheet.text_width(str(step)) / 2
        texts.append(((x, foot), str(step), sheet.FAINT_INK))
    note = "bright: the median of the steps around; dim: from a tenth to nine tenths of them"
    texts.append(((_LABEL_PX, foot + sheet.LINE_PX), note, sheet.FAINT_INK))
    return sheet.lettered(picture_HW3, texts)


def write_losses(record: LossRecord, path: Path) -> None:
    """Write the record's picture over the one before."""
    scratch = path.with_suffix(".partial")
    Image.fromarray(draw_losses(record.text)).save(scratch, format="PNG", optimize=True)
    scratch.replace(path)


def _read(text: str) -> tuple[Series, dict[str, Series]]:
    rows = list(csv.DictReader(io.StringIO(text)))
    names = [name for name in (rows[0] if rows else {}) if name != "step"]
    steps_N = np.array([float(row["step"]) for row in rows])
    return steps_N, {name: np.array([float(row[name]) for row in rows]) for name in names}


def _graph(picture_HW3: RGB, y: int, name: str, steps_N: Series, values_N: Series) -> Texts:
    """One graph at `y`: its band and line drawn into the picture, and its words."""
    until, right = float(steps_N[-1]), sheet.WIDTH_PX - _RIGHT_PX
    counted_N = values_N > 0
    most = float(np.percentile(values_N[counted_N], _TOP_PERCENTILE))
    picture_HW3[y : y + _GRAPH_PX, _LABEL_PX:right] = sheet.faded(sheet.RULED, 0.5)
    points = _summary(steps_N[counted_N], values_N[counted_N], until)
    x_P = np.array([_x(step, until) for step in points[:, 0]])
    low_P, middle_P, high_P = (_y(points[:, column], most, y) for column in (1, 2, 3))
    band = np.concatenate([np.stack([x_P, low_P], 1), np.stack([x_P, high_P], 1)[::-1]])
    colour = sheet.colour_of(2)
    cv2.fillPoly(picture_HW3, [band.round().astype(np.int32)], sheet.faded(colour, 0.4))
    line = np.stack([x_P, middle_P], 1).round().astype(np.int32)
    cv2.polylines(picture_HW3, [line], False, colour, 1, cv2.LINE_AA)
    return [
        ((8, y + 4), name, sheet.INK),
        ((8, y + 28), f"now {points[-1, 2]:.3g}", sheet.FAINT_INK),
        ((right + 8, y - 4), f"{most:.3g}", sheet.FAINT_INK),
        ((right + 8, y + _GRAPH_PX - 14), "0", sheet.FAINT_INK),
    ]


def _summary(steps_N: Series, values_N: Series, until: float) -> Series:
    """Points (P, 4): a step, and a tenth, the median and nine tenths of the losses around it."""
    points = max(1, min(_MOST_POINTS, int(until) // _LEAST_STEPS))
    part_N = ((steps_N - 1) * points / until).astype(int)
    parts = [part_N == part for part in np.unique(part_N)]
    return np.array(
        [[steps_N[part].mean(), *np.percentile(values_N[part], (10, 50, 90))] for part in parts]
    )


def _x(step: float, until: float) -> float:
    room = sheet.WIDTH_PX - _LABEL_PX - _RIGHT_PX
    return _LABEL_PX + room * step / max(1.0, until)


def _y(values_P: Series, most: float, y: int) -> Series:
    share_P = (values_P / most).clip(0, 1)
    return np.asarray(y + _EDGE_PX + (1 - share_P) * (_GRAPH_PX - 2 * _EDGE_PX), np.float64)
