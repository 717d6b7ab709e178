"""Composite: the rendered subject over a background, by their matte.

It does not know where either comes from.
"""

import numpy as np

from bodyswap.frames import RGB, RenderedFrame


def composite(frame: RenderedFrame, background_HW3: RGB) -> RGB:
    """The frame over the background; where the matte is 0 the background stays to the bit."""
    matte = frame.matte_HW[:, :, None]
    mixed = frame.rgb_HW3 * matte + background_HW3 * (1 - matte)
    return np.asarray(np.rint(mixed), np.uint8)
