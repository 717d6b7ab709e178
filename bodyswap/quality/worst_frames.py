"""worst-frames.png: where a render fails worst, beside its reference and their difference.

It does not know files: it asks for the pictures it needs. Shape letters: H rows, W columns,
3 = red, green, blue, 8-bit.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from bodyswap.frames import RGB
from bodyswap.quality import sheet
from bodyswap.quality.metrics import FrameQuality, QualityReport
from bodyswap.timing import FIRST_FRAME_NUMBER, FrameRange

WORST_PICTURE = "worst-frames.png"
APART_FRAMES = 5
"""The second worst by a score is no closer to any shown: a bad moment is shown once."""
_GAIN = 4
_PANEL_PX, _MOST_ROWS_PX = 470, 470

Badness = Callable[[FrameQuality], float | None]


@dataclass(frozen=True, kw_only=True)
class WorstFrame:
    """A frame of the report, counted from 0, and the words for what it is worst in."""

    index: int
    why: str


def find_worst(report: QualityReport) -> list[WorstFrame]:
    """The worst by each score, then the next worst of each that is not beside one shown."""
    ranked = [(name, _ranked(report, badness)) for name, badness in _MEASURES]
    words: dict[int, list[str]] = {}
    for name, order in ranked:
        if order:
            words.setdefault(order[0], []).append(name)
    found = [
        WorstFrame(index=index, why=f"worst {' and '.join(names)}")
        for index, names in words.items()
    ]
    for name, order in ranked:
        far = (
            (rank, index)
            for rank, index in enumerate(order, start=1)
            if all(abs(index - one.index) >= APART_FRAMES for one in found)
        )
        if (second := next(far, None)) is not None:
            rank, index = second
            why = f"number {rank} by {name}, the worst away from frames shown above"
            found.append(WorstFrame(index=index, why=why))
    return found


def _ranked(report: QualityReport, badness: Badness) -> list[int]:
    """The frames in which it was measured, worst first."""
    bad = {index: badness(frame) for index, frame in enumerate(report.frames)}
    known = {index: score for index, score in bad.items() if score is not None}
    return sorted(known, key=lambda index: -known[index])


def draw_worst(
    report: QualityReport, frames: FrameRange, show: Callable[[int], tuple[RGB, RGB]]
) -> RGB:
    """The picture: a row a frame. `show` gives render and reference of an index of the report."""
    rows = []
    for worst in find_worst(report):
        render_HW3, reference_HW3 = show(worst.index)
        number = worst.index + frames.start + FIRST_FRAME_NUMBER
        text = f"frame {number}: {worst.why}.  {_scores(report.frames[worst.index])}"
        rows.append(_caption(text))
        rows.append(_panels(render_HW3, reference_HW3))
    return sheet.stacked(rows)


def _panels(render_HW3: RGB, reference_HW3: RGB) -> RGB:
    """Render, reference, difference, each under its name."""
    rows, columns = render_HW3.shape[:2]
    height = min(_MOST_ROWS_PX, round(rows * _PANEL_PX / columns))
    apart = np.minimum(cv2.absdiff(render_HW3, reference_HW3).astype(int) * _GAIN, 255)
    named = (
        ("render", render_HW3),
        ("reference", reference_HW3),
        (f"difference x {_GAIN}", apart.astype(np.uint8)),
    )
    panels = []
    for name, picture_HW3 in named:
        fitted, _ = sheet.fitted(picture_HW3, _PANEL_PX, height)
        label = sheet.lettered(
            sheet.blank(sheet.LINE_PX, _PANEL_PX), [((6, 4), name, sheet.FAINT_INK)]
        )
        panels.append(np.concatenate([label, fitted]))
    return sheet.tiled(panels, 3)


def _caption(text: str) -> RGB:
    return sheet.lettered(sheet.blank(sheet.LINE_PX), [((6, 4), text, sheet.INK)])


def _scores(frame: FrameQuality) -> str:
    told = [f"PSNR {frame.psnr_db:.1f} dB", f"SSIM {frame.ssim:.3f}"]
    for text, score in (
        ("LPIPS {:.3f}", frame.lpips),
        ("face SSIM {:.3f}", frame.face_ssim),
        ("warping error {:.1f}", frame.warping_error),
        ("the reference's {:.1f}", frame.reference_warping_error),
        ("pose error {:.1f} %", frame.pose_error_percent),
    ):
        if score is not None:
            told.append(text.format(score))
    return ", ".join(told)


def _picture(frame: FrameQuality) -> float | None:
    return frame.lpips


def _likeness(frame: FrameQuality) -> float | None:
    """SSIM, where there is no LPIPS, which sees more of what people mind."""
    return -frame.ssim if frame.lpips is None else None


def _face(frame: FrameQuality) -> float | None:
    return None if frame.face_ssim is None else -frame.face_ssim


def _motion(frame: FrameQuality) -> float | None:
    if frame.warping_error is None or frame.reference_warping_error is None:
        return None
    return frame.warping_error - frame.reference_warping_error


def _pose(frame: FrameQuality) -> float | None:
    return frame.pose_error_percent


_MEASURES: tuple[tuple[str, Badness], ...] = (
    ("LPIPS", _picture),
    ("SSIM", _likeness),
    ("face SSIM", _face),
    ("warping error above the reference's", _motion),
    ("pose error", _pose),
)
