"""quality.png: every score over the shot, a graph each, the reference's own behind it.

It does not know how scores are found. Shape letters: N frames, 2 = x and y in pixels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bodyswap.frames import RGB
from bodyswap.quality import sheet
from bodyswap.quality.metrics import QualityReport
from bodyswap.timing import FIRST_FRAME_NUMBER, FrameRange

SCORES_PICTURE = "quality.png"
_GRAPH_PX, _GAP_PX, _LABEL_PX, _RIGHT_PX = 84, 22, 250, 90
_SUBPIXEL_BITS = 3

Series = npt.NDArray[np.float64]
Texts = list[tuple[tuple[float, float], str, sheet.Colour]]


@dataclass(frozen=True)
class _Row:
    """A graph: a score's field, its words, whether more is better, and the reference's field."""

    name: str
    words: str
    more_is_better: bool
    floor: str | None = None


_ROWS = (
    _Row("psnr_db", "PSNR, dB", True),
    _Row("ssim", "SSIM", True),
    _Row("lpips", "LPIPS", False),
    _Row("face_ssim", "face SSIM", True),
    _Row("face_lpips", "face LPIPS", False),
    _Row("warping_error", "warping error, grey", False, "reference_warping_error"),
    _Row("tof_px", "tOF, px", False),
    _Row("flicker", "flicker, grey", False, "reference_flicker"),
    _Row("change", "change, grey", False, "reference_change"),
    _Row("pose_error_percent", "pose error, % of height", False),
    _Row("joints_lost_percent", "joints lost, %", False),
    _Row("identity_delta_e", "identity, delta E", False),
)


def draw_scores(
    report: QualityReport, frames: FrameRange, joins: Sequence[int] = (), title: str = ""
) -> RGB:
    """The picture; `joins`, the plate's indices, are ruled through all graphs."""
    drawn = [row for row in _ROWS if np.isfinite(_series(report, row.name)).any()]
    top = sheet.LINE_PX * 2
    picture = sheet.blank(top + len(drawn) * (_GRAPH_PX + _GAP_PX) + 2 * sheet.LINE_PX)
    texts: Texts = [((8, 6), title or f"quality, frames {frames}", sheet.INK)]
    for number, row in enumerate(drawn):
        y = top + number * (_GRAPH_PX + _GAP_PX)
        texts += _graph(picture, y, row, report, frames, joins)
    foot = top + len(drawn) * (_GRAPH_PX + _GAP_PX)
    texts += _axis(frames, foot - _GAP_PX + 4)
    note = "bright: the render; dim: the reference itself; dot: the worst frame"
    note += "; upright line: a join" if joins else ""
    texts.append(((_LABEL_PX, foot + 8), note, sheet.FAINT_INK))
    return sheet.lettered(picture, texts)


def _graph(
    picture_HW3: RGB,
    y: int,
    row: _Row,
    report: QualityReport,
    frames: FrameRange,
    joins: Sequence[int],
) -> Texts:
    """One graph at `y`: lines drawn into the picture, and its words."""
    scores_N = _series(report, row.name)
    floor_N = np.full_like(scores_N, np.nan) if row.floor is None else _series(report, row.floor)
    known = np.concatenate([scores_N, floor_N])
    known = known[np.isfinite(known)]
    low = float(known.min()) if row.more_is_better else 0.0
    high = float(known.max()) if known.max() > low else low + 1
    picture_HW3[y : y + _GRAPH_PX, _LABEL_PX : sheet.WIDTH_PX - _RIGHT_PX] = sheet.faded(
        sheet.RULED, 0.5
    )
    for index in joins:
        x = round(_x(index - frames.start, len(frames)))
        picture_HW3[y : y + _GRAPH_PX, x : x + 1] = sheet.FAINT_INK
    for values_N, ink in ((floor_N, sheet.FAINT_INK), (scores_N, sheet.colour_of(2))):
        for line_P2 in _lines(values_N, y, low, high):
            fixed = (line_P2 * (1 << _SUBPIXEL_BITS)).round().astype(np.int32)
            cv2.polylines(picture_HW3, [fixed], False, ink, 1, cv2.LINE_AA, _SUBPIXEL_BITS)
    worst = int(np.nanargmin(scores_N) if row.more_is_better else np.nanargmax(scores_N))
    height = _y(np.array([scores_N[worst]]), y, low, high)[0]
    centre = round(_x(worst, len(frames))), round(float(height))
    cv2.circle(picture_HW3, centre, 4, sheet.colour_of(0), -1, cv2.LINE_AA)
    return _words(row, y, (low, high), float(np.nanmean(scores_N)), worst + frames.start)


def _words(row: _Row, y: int, extent: tuple[float, float], mean: float, worst: int) -> Texts:
    right = sheet.WIDTH_PX - _RIGHT_PX + 8
    low, high = extent
    return [
        ((8, y + 4), row.words, sheet.INK),
        ((8, y + 26), f"mean {mean:.4g}", sheet.FAINT_INK),
        ((8, y + 48), f"worst at frame {worst + FIRST_FRAME_NUMBER}", sheet.FAINT_INK),
        ((right, y - 4), f"{high:.4g}", sheet.FAINT_INK),
        ((right, y + _GRAPH_PX - 14), f"{low:.4g}", sheet.FAINT_INK),
    ]


def _axis(frames: FrameRange, y: int) -> Texts:
    """Some frame numbers under the last graph."""
    offsets = np.unique(np.linspace(0, len(frames) - 1, 7).round().astype(int)).tolist()
    numbers = [(offset, str(frames.start + offset + FIRST_FRAME_NUMBER)) for offset in offsets]
    return [
        ((_x(offset, len(frames)) - sheet.text_width(text) / 2, y), text, sheet.FAINT_INK)
        for offset, text in numbers
    ]


def _series(report: QualityReport, name: str) -> Series:
    """The score of each frame, (N); NaN where it was not measured or is infinite."""
    told = [getattr(frame, name) for frame in report.frames]
    values_N = np.array([np.nan if score is None else score for score in told], np.float64)
    values_N[np.isinf(values_N)] = np.nan
    return values_N


def _lines(values_N: Series, y: int, low: float, high: float) -> Iterator[Series]:
    """The stretches without gaps, as points (P, 2) in the picture."""
    known_N = np.isfinite(values_N)
    x_N = np.array([_x(offset, len(values_N)) for offset in range(len(values_N))])
    edges = np.flatnonzero(np.diff(np.r_[False, known_N, False]))
    for start, stop in edges.reshape(-1, 2).tolist():
        yield np.stack([x_N[start:stop], _y(values_N[start:stop], y, low, high)], axis=1)


def _x(offset: int, count: int) -> float:
    room = sheet.WIDTH_PX - _LABEL_PX - _RIGHT_PX
    return _LABEL_PX + (offset + 0.5) * room / count


def _y(values_P: Series, y: int, low: float, high: float) -> Series:
    share_P = (values_P - low) / (high - low)
    return np.asarray(y + 4 + (1 - share_P) * (_GRAPH_PX - 8), np.float64)
