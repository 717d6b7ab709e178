"""The colour of cloth, skin and hair at a place on a part.

It does not know light. Shape letter: P points, in the part's joint frame, in metres.
"""

import numpy as np

from bodyswap.stage.body import Cloth, Pattern
from bodyswap.stage.raycast import Floats32


def dye(cloth: Cloth, local_P3: Floats32) -> Floats32:
    """Colours (P, 3) in [0, 1]."""
    plain = np.broadcast_to(np.float32(cloth.colour), local_P3.shape)
    if cloth.pattern is Pattern.PLAIN:
        return plain
    share = _second_share(cloth, local_P3)[:, None]
    return plain * (1 - share) + np.float32(cloth.second) * share


def _second_share(cloth: Cloth, local_P3: Floats32) -> Floats32:
    x, y, z = local_P3.T
    match cloth.pattern:
        case Pattern.STRIPES:
            return _square(y / cloth.period_m)
        case Pattern.CHECKS:
            return np.abs(_square(y / cloth.period_m) - _square((x + z) / cloth.period_m))
        case Pattern.BADGE:
            centre = np.hypot(y - 0.09, z) - cloth.period_m
            return np.clip(-centre / 0.004, 0, 1) * (x > 0.02)
        case _:
            return np.clip(0.5 + 0.5 * np.sin((z + 0.5 * y) * 2 * np.pi / cloth.period_m), 0, 1)


def _square(phase: Floats32) -> Floats32:
    """A square wave between 0 and 1 with soft edges, so that distance does not make it flicker."""
    return np.clip(0.5 + 3.0 * np.sin(2 * np.pi * phase), 0, 1).astype(np.float32)
