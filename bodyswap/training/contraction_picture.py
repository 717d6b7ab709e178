"""The contraction as a picture: how each start fades, frame by frame, on a log scale.

It does not know how it was measured. Shape letters: H rows, W columns, 3 = red, green, blue.
"""

from itertools import pairwise
from math import log10

import cv2

from bodyswap.frames import RGB
from bodyswap.nets.figures import Contraction
from bodyswap.quality import sheet

_WIDTH_PX, _HEIGHT_PX = 960, 460
_LEFT_PX, _RIGHT_PX, _TOP_PX, _BOTTOM_PX = 70, 24, 74, 52
_MOST, _LEAST = 255.0, 0.01
"""Grey levels at the graph's top and bottom; what is less is drawn at the bottom."""
_RULES = (100.0, 10.0, 1.0, 0.1, 0.01)
_NUMBERED = 12
"""About so many frames are numbered along the bottom."""
_STROKE_PX = 2

Texts = list[tuple[tuple[float, float], str, sheet.Colour]]


def draw_contraction(contraction: Contraction) -> RGB:
    """The picture: a curve a start, the tolerance, and where a render counts as warm."""
    picture_HW3 = sheet.blank(_HEIGHT_PX, _WIDTH_PX)
    texts = [*_rules(picture_HW3, contraction), *_words(contraction)]
    left = float(_LEFT_PX)
    for number, (start, curve) in enumerate(contraction.curves.items()):
        colour = sheet.colour_of(number)
        _draw_curve(picture_HW3, curve, colour)
        text = f"from {start}"
        texts.append(((left, 46), text, colour))
        left += sheet.text_width(text) + 28
    return sheet.lettered(picture_HW3, texts)


def _rules(picture_HW3: RGB, contraction: Contraction) -> Texts:
    texts: Texts = []
    count, right = contraction.measured_frames, _WIDTH_PX - _RIGHT_PX
    for value in _RULES:
        y = _y(value)
        cv2.line(picture_HW3, (_LEFT_PX, y), (right, y), sheet.RULED, 1)
        texts.append(((_LEFT_PX - 44, y - 9), f"{value:g}", sheet.FAINT_INK))
    for number in range(1, count + 1):
        if number == 1 or number % max(1, round(count / _NUMBERED)) == 0:
            x = _x(number, count) - sheet.text_width(str(number)) / 2
            texts.append(((x, _HEIGHT_PX - _BOTTOM_PX + 6), str(number), sheet.FAINT_INK))
    y = _y(contraction.tolerance)
    cv2.line(picture_HW3, (_LEFT_PX, y), (right, y), sheet.INK, 1)
    texts.append(((_LEFT_PX - 44, y - 9), f"{contraction.tolerance:g}", sheet.INK))
    if contraction.warmup_frames is not None:
        x = _x(contraction.warmup_frames, count)
        cv2.line(picture_HW3, (x, _TOP_PX), (x, _HEIGHT_PX - _BOTTOM_PX), sheet.INK, 1)
    return texts


def _words(contraction: Contraction) -> Texts:
    if contraction.warmup_frames is None:
        verdict = f"not forgotten within {contraction.measured_frames} frames"
    else:
        frames = "frame" if contraction.warmup_frames == 1 else "frames"
        verdict = f"forgotten after {contraction.warmup_frames} {frames}"
    title = f"How long a render shows where it began: {verdict}"
    axis = "frames rendered; up: 99th percentile of the difference, in grey levels of 255"
    return [
        ((_LEFT_PX, 14), title, sheet.INK),
        ((_LEFT_PX, _HEIGHT_PX - sheet.LINE_PX), axis, sheet.FAINT_INK),
    ]


def _draw_curve(picture_HW3: RGB, curve: tuple[float, ...], colour: sheet.Colour) -> None:
    points = [(_x(number, len(curve)), _y(value)) for number, value in enumerate(curve, start=1)]
    for here, there in pairwise(points):
        cv2.line(picture_HW3, here, there, colour, _STROKE_PX, cv2.LINE_AA)
    for point in points:
        cv2.circle(picture_HW3, point, 3, colour, -1, cv2.LINE_AA)


def _x(number: int, count: int) -> int:
    room = _WIDTH_PX - _LEFT_PX - _RIGHT_PX - 16
    return _LEFT_PX + 8 + round(room * (number - 1) / max(1, count - 1))


def _y(value: float) -> int:
    share = log10(min(max(value, _LEAST), _MOST) / _LEAST) / log10(_MOST / _LEAST)
    return _TOP_PX + round((_HEIGHT_PX - _TOP_PX - _BOTTOM_PX) * (1 - share))
