"""A motion's worst frame, cut to the person: driver, render, truth, and where the two differ.

It does not know how it was scored. Shape letters: H rows, W columns, 3 = red, green, blue, 8-bit.
"""

import cv2
import numpy as np

from bodyswap.frames import RGB, Matte
from bodyswap.quality import sheet
from bodyswap.quality.stage_score import MotionScore
from bodyswap.quality.stage_transfer import StageTransfer

_GAIN = 4
_PANEL_PX = 230
_ROOM = 1.3
"""How much larger the cut is than the person: a render may miss the truth's outline."""


def draw_worst_of(score: MotionScore, transfer: StageTransfer) -> RGB:
    """Four pictures under the motion's name and figures."""
    worst = score.worst_index
    render_HW3, truth_HW3 = score.rendered_NHW3[worst], transfer.truth.rgb_NHW3[worst]
    apart = np.minimum(cv2.absdiff(render_HW3, truth_HW3).astype(int) * _GAIN, 255)
    own, driver = transfer.truth.matte_NHW[worst], transfer.driver.matte_NHW[worst]
    named = (
        ("driver", transfer.driver.rgb_NHW3[worst], driver),
        ("render", render_HW3, own),
        ("truth", truth_HW3, own),
        (f"difference x {_GAIN}", apart.astype(np.uint8), own),
    )
    panels = [_panel(name, around(picture_HW3, matte)) for name, picture_HW3, matte in named]
    row = sheet.tiled(panels, len(panels))
    text = (
        f"{score.name}: frame {worst} of {len(transfer)}, person {score.person_db_N[worst]:.1f} dB"
        f" (mean {score.person_psnr_db:.1f}, by own joints {score.own_joints_db:.1f}), joints"
        f" {score.retargeting.joints:.1f} % of height off"
    )
    return sheet.stacked([_line(text, row.shape[1]), row])


def around(picture_HW3: RGB, matte_HW: Matte) -> RGB:
    """The square around the person, moved to lie inside the picture; all of it if nobody is."""
    if not matte_HW.any():
        return picture_HW3
    spans = [np.flatnonzero(matte_HW.any(axis=axis)) for axis in (1, 0)]
    side = round(max(np.ptp(span) + 1 for span in spans) * _ROOM)
    side = min(side, *picture_HW3.shape[:2])
    starts = [
        int(np.clip((span[0] + span[-1] + 1 - side) // 2, 0, size - side))
        for span, size in zip(spans, picture_HW3.shape[:2], strict=True)
    ]
    return picture_HW3[starts[0] : starts[0] + side, starts[1] : starts[1] + side]


def _panel(name: str, picture_HW3: RGB) -> RGB:
    fitted, _ = sheet.fitted(picture_HW3, _PANEL_PX, _PANEL_PX)
    return np.concatenate([_line(name, _PANEL_PX), fitted])


def _line(text: str, width: int) -> RGB:
    return sheet.lettered(sheet.blank(sheet.LINE_PX, width), [((6, 4), text, sheet.INK)])
