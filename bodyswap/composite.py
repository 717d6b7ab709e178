"""Composite: the rendered subject over a background, by their matte.

It does not know where either comes from.
"""

import numpy as np

from bodyswap.frames import RGB, RGBA, RenderedFrame


def composite(frame: RenderedFrame, background_HW3: RGB) -> RGB:
    """The frame over the background; where the matte is 0 the background stays to the bit."""
    matte = frame.matte_HW[:, :, None]
    mixed = frame.rgb_HW3 * matte + background_HW3 * (1 - matte)
    return np.asarray(np.rint(mixed), np.uint8)


def over_own(frame: RenderedFrame, background_HW3: RGB) -> RGB:
    """The frame over the subject's own background, which the renderer made already if it could."""
    made = frame.over_own_HW3
    return composite(frame, background_HW3) if made is None else made


def cut_out(frame: RenderedFrame) -> RGBA:
    """The subject alone, straight alpha: their colour where the matte is above 0, else black."""
    alpha = np.rint(frame.matte_HW * 255).astype(np.uint8)
    colour = np.where(alpha[:, :, None] > 0, frame.rgb_HW3, 0)
    return np.dstack([colour, alpha]).astype(np.uint8)
