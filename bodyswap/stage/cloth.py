"""The colour of cloth, skin and hair at a place on a part.

It does not know light. Shape letter: P points, in the part's joint frame, in metres.
"""

import numpy as np

from bodyswap.stage.body import Cloth, Pattern
from bodyswap.stage.raycast import Floats32


def dye(cloth: Cloth, local_P3: Floats32) -> Floats32:
    """Colours (P, 3) in [0, 1]."""
    plain = np.broadcast_to(np.array(cloth.colour, np.float32), local_P3.shape)
    if cloth.pattern is Pattern.PLAIN:
        return plain
    share = _second_share(cloth, local_P3)[:, None]
    return np.asarray(plain * (1 - share) + np.array(cloth.second) * share, np.float32)


def _second_share(cloth: Cloth, local_P3: Floats32) -> Floats32:
    x, y, z = local_P3.T
    match cloth.pattern:
        case Pattern.STRIPES:
            share = _square(y / cloth.period_m)
        case Pattern.CHECKS:
            share = np.abs(_square(y / cloth.period_m) - _square((x + z) / cloth.period_m))
        case Pattern.BADGE:
            outside = np.hypot(y - 0.09, z) - cloth.period_m
            share = np.clip(-outside / 0.004, 0, 1) * (x > 0.02)
        case _:
            share = 0.5 + 0.5 * np.sin((z + 0.5 * y) * 2 * np.pi / cloth.period_m)
    return np.asarray(share, np.float32)


def _square(phase: Floats32) -> Floats32:
    """A square wave between 0 and 1 with soft edges, so that distance does not make it flicker."""
    return np.asarray(np.clip(0.5 + 3.0 * np.sin(2 * np.pi * phase), 0, 1), np.float32)
