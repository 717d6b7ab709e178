"""Risk over a shot as one picture: a graph, a row for each part of the body, the worst frames.

It does not know how risk is found. Shape letters: N frames, P parts, K joints.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from bodyswap.frames import RGB
from bodyswap.people import Mask
from bodyswap.quality import sheet
from bodyswap.quality.coverage import PARTS, CoverageIndex
from bodyswap.quality.risk import RISKY, Risk, RiskyRange
from bodyswap.skeleton import COCO_17, Floats

MOST_SHOWN = 4
_GRAPH_PX, _ROW_PX, _THUMB_PX, _LABEL_PX = 120, 18, 260, 110
_CALM, _ALARM = np.array([60.0, 130.0, 90.0]), np.array([235.0, 70.0, 50.0])
_DRIVING: sheet.Colour = (255, 190, 70)
_TRAINED: sheet.Colour = (110, 220, 160)

Texts = list[tuple[tuple[float, float], str, sheet.Colour]]


@dataclass(frozen=True, kw_only=True)
class DrivingPose:
    """A frame of the plate with its pose drawn, and the same pose in the subject's pixels."""

    picture_HW3: RGB
    keypoints_K2: Floats
    confidence_K: Floats


def draw_coverage(risk: Risk, index: CoverageIndex, show: Callable[[int], DrivingPose]) -> RGB:
    """The picture; `show` gives the plate's frame of an index. Joints are COCO-17's."""
    parts = [_strip(risk)]
    worst = sorted(risk.ranges, key=lambda one: -one.mean_risk * len(one.frames))[:MOST_SHOWN]
    parts += [_example(one, risk, index, show(one.peak_frame)) for one in worst]
    return sheet.stacked(parts)


def _strip(risk: Risk) -> RGB:
    names = list(PARTS)
    top = sheet.LINE_PX * 2
    height = top + _GRAPH_PX + 8 + _ROW_PX * len(names) + 2 * sheet.LINE_PX
    picture = sheet.blank(height)
    room = sheet.WIDTH_PX - _LABEL_PX - 20
    count = len(risk.frames)
    row_W = np.minimum(np.arange(room) * count // room, count - 1)
    graph = picture[top : top + _GRAPH_PX, _LABEL_PX : _LABEL_PX + room]
    _fill_graph(graph, risk.risk_N[row_W])
    texts: Texts = [((8, 6), f"risk, frames {risk.numbers}", sheet.INK)]
    texts += [((_LABEL_PX - 40, top - 8), "1", sheet.FAINT_INK)]
    texts += [((_LABEL_PX - 40, top + _GRAPH_PX / 2 - 8), f"{RISKY}", sheet.FAINT_INK)]
    y = top + _GRAPH_PX + 8
    for part, name in enumerate(names):
        values = risk.part_NP[row_W, part]
        picture[y : y + _ROW_PX - 3, _LABEL_PX : _LABEL_PX + room] = _shades(values)
        texts.append(((8, y - 1), name, sheet.FAINT_INK))
        y += _ROW_PX
    texts += _axis(risk, room, y + 2)
    texts += _brackets(risk, room, picture)
    note = "red: unlike anything filmed; green: like much of it; dark: nobody to judge"
    texts.append(((_LABEL_PX, height - sheet.LINE_PX), note, sheet.FAINT_INK))
    return sheet.lettered(picture, texts)


def _fill_graph(graph_HW3: RGB, risk_W: Floats) -> None:
    graph_HW3[:] = sheet.RULED
    height = len(graph_HW3)
    level_H = (height - np.arange(height)) / height
    under_HW = level_H[:, None] <= np.nan_to_num(risk_W)[None]
    colour_W3 = _shades(risk_W)
    graph_HW3[under_HW] = np.broadcast_to(colour_W3[None], graph_HW3.shape)[under_HW]
    graph_HW3[:, ~np.isfinite(risk_W)] = sheet.PAPER
    graph_HW3[round(height * (1 - RISKY))] = sheet.FAINT_INK


def _shades(risk_W: Floats) -> RGB:
    share_W1 = np.nan_to_num(risk_W)[:, None]
    shades = _CALM + (_ALARM - _CALM) * share_W1
    shades[~np.isfinite(risk_W)] = sheet.RULED
    return np.asarray(shades.round(), np.uint8)


def _axis(risk: Risk, room: int, y: int) -> Texts:
    texts: Texts = []
    frames = risk.frames
    for offset in np.unique(np.linspace(0, len(frames) - 1, 9).round().astype(int)).tolist():
        text = str(frames.start + offset + risk.first_number)
        x = _LABEL_PX + (offset + 0.5) * room / len(frames) - sheet.text_width(text) / 2
        texts.append(((x, y), text, sheet.FAINT_INK))
    return texts


def _brackets(risk: Risk, room: int, picture: RGB) -> Texts:
    """A bar over each risky range, and its frames where there is room to write them."""
    texts: Texts = []
    free_from = 0.0
    for one in risk.ranges:
        first, last = (
            _LABEL_PX + round((edge - risk.frames.start) * room / len(risk.frames))
            for edge in (one.frames.start, one.frames.stop)
        )
        cv2.rectangle(picture, (first, 43), (max(last - 1, first + 1), 46), _ALARM.tolist(), -1)
        text = one.numbers
        x = (first + last - sheet.text_width(text)) / 2
        if x > free_from:
            texts.append(((x, 25), text, sheet.INK))
            free_from = x + sheet.text_width(text) + 8
    return texts


def _example(one: RiskyRange, risk: Risk, index: CoverageIndex, driving: DrivingPose) -> RGB:
    nearest = int(risk.nearest_N[one.peak_frame - risk.frames.start])
    plate, _ = sheet.fitted(driving.picture_HW3, round(_THUMB_PX * 1.6), _THUMB_PX)
    asked = _figure(driving.keypoints_K2, driving.confidence_K > 0, index.height_px, _DRIVING)
    has = index.poses.joints_NK2[nearest] * index.height_px
    trained = _figure(has, index.poses.known_NK[nearest], index.height_px, _TRAINED)
    panels = np.concatenate([plate, asked, trained], axis=1)
    words = sheet.blank(_THUMB_PX, sheet.WIDTH_PX - panels.shape[1])
    lines = [
        f"frames {one.numbers}, risk {one.mean_risk:.2f}",
        *_wrapped(one.reason, words.shape[1] - 24),
    ]
    texts: Texts = [((12, 8 + 22 * number), line, sheet.INK) for number, line in enumerate(lines)]
    body = np.concatenate([panels, sheet.lettered(words, texts)], axis=1)
    heads: Texts = [
        ((6, 4), f"plate, frame {one.peak_frame + one.first_number}", sheet.INK),
        ((plate.shape[1] + 6, 4), "asked of the subject", _DRIVING),
        ((plate.shape[1] + _THUMB_PX + 6, 4), "nearest they were filmed in", _TRAINED),
    ]
    return np.concatenate([sheet.lettered(sheet.blank(sheet.LINE_PX), heads), body])


def _figure(points_K2: Floats, known_K: Mask, height_px: float, colour: sheet.Colour) -> RGB:
    """A pose alone, its joints' centre in the middle, at the same scale for all."""
    picture = sheet.blank(_THUMB_PX, _THUMB_PX)
    picture[:, :2] = sheet.RULED
    if known_K.any():
        scale = 0.72 * _THUMB_PX / height_px
        moved = (points_K2 - points_K2[known_K].mean(axis=0)) * scale + _THUMB_PX / 2
        sheet.draw_limbs(picture, moved, known_K.astype(np.float32), COCO_17, colour)
    return picture


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and sheet.text_width(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
