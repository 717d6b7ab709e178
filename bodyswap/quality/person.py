"""How near the person is to their truth, apart from the background that is easy to get right.

It does not know how pictures were made. Shape letters: H rows, W columns, 3 = red, green, blue.
"""

import numpy as np

from bodyswap.frames import RGB, Matte
from bodyswap.quality.metrics import psnr_db


def person_psnr_db(render_HW3: RGB, truth_HW3: RGB, matte_HW: Matte) -> float | None:
    """PSNR within the true matte's bounding box; None where nobody is there."""
    if not matte_HW.any():
        return None
    rows, columns = (np.flatnonzero(matte_HW.any(axis=axis)) for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return psnr_db(render_HW3[box], truth_HW3[box])
