"""A motion's worst frame: the driver, the render, the truth, and where the two differ.

It does not know how it was scored. Shape letters: H rows, W columns, 3 = red, green, blue, 8-bit.
"""

import cv2
import numpy as np

from bodyswap.frames import RGB
from bodyswap.quality import sheet
from bodyswap.quality.stage_score import MotionScore
from bodyswap.quality.stage_transfer import StageTransfer

_GAIN = 4
_PANEL_PX = 300


def draw_worst_of(score: MotionScore, transfer: StageTransfer) -> RGB:
    """A row: four pictures under the motion's name and figures."""
    worst = score.worst_index
    render_HW3, truth_HW3 = score.rendered_NHW3[worst], transfer.truth.rgb_NHW3[worst]
    apart = np.minimum(cv2.absdiff(render_HW3, truth_HW3).astype(int) * _GAIN, 255)
    text = (
        f"{score.name}: frame {worst} of {len(transfer)}, person {score.person_db_N[worst]:.1f} dB"
        f" (the motion's mean {score.person_psnr_db:.1f}), joints off by"
        f" {score.retargeting.joints:.1f} % of height, {score.retargeting.placed_joints:.1f} % once"
        " placed"
    )
    named = (
        ("driver", transfer.driver.rgb_NHW3[worst]),
        ("render", render_HW3),
        ("truth", truth_HW3),
        (f"difference x {_GAIN}", apart.astype(np.uint8)),
    )
    panels = [_panel(name, picture_HW3) for name, picture_HW3 in named]
    row = sheet.tiled(panels, len(panels))
    return sheet.stacked([_line(text, row.shape[1]), row])


def _panel(name: str, picture_HW3: RGB) -> RGB:
    fitted, _ = sheet.fitted(picture_HW3, _PANEL_PX, _PANEL_PX)
    return np.concatenate([_line(name, _PANEL_PX), fitted])


def _line(text: str, width: int) -> RGB:
    return sheet.lettered(sheet.blank(sheet.LINE_PX, width), [((6, 4), text, sheet.INK)])
