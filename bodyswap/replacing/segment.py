"""Segment: the performer cut out of one frame by colour, as far as their pose leaves it open.

GrabCut (Rother et al., SIGGRAPH 2004), begun from the pose: what lies on the limbs is theirs, what
is far from them is not. It does not know the set, nor the frames before and after.
Shape letters: H rows, W columns, 3 = red, green, blue.
"""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from bodyswap.frames import RGB, Matte

CutOut = Callable[[RGB, Matte], Matte]
"""A frame, and how far each pixel is from somebody (see `figure`), to their matte in [0, 1]."""
_SURELY, _LIKELY, _POSSIBLY = 0.3, 0.75, 1.35
"""Half-widths from the limbs up to which a pixel is the performer's."""
_AROUND = 3.0
"""The set is learnt up to here."""
_LARGEST_PX = 320
"""A window is made no larger than this: colours, not edges, are what is asked for."""
_ROUNDS = 3
_MODELS = 65


def cut_by_colour(rgb_HW3: RGB, distance_HW: Matte) -> npt.NDArray[np.bool_]:
    """Where the performer is, (H, W); `distance_HW` is of `figure.distance_to`."""
    found_HW = np.zeros(distance_HW.shape, np.bool_)
    near_HW = distance_HW < _AROUND
    if not (distance_HW < _SURELY).any():
        return found_HW
    rows, columns = (np.flatnonzero(near_HW.any(axis=axis)) for axis in (1, 0))
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    picture, distance = rgb_HW3[window], distance_HW[window]
    height, width = distance.shape
    scale = min(1.0, _LARGEST_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    apart = np.asarray(cv2.resize(distance, size), np.float32)
    cut = _grab_cut(np.asarray(small, np.uint8), apart)
    found_HW[window] = cv2.resize(cut, (width, height), interpolation=cv2.INTER_LINEAR) > 0.5
    return found_HW


def _grab_cut(rgb_HW3: RGB, distance_HW: Matte) -> Matte:
    """1 where the performer is."""
    guess = np.full(distance_HW.shape, cv2.GC_BGD, np.uint8)
    guess[distance_HW < _POSSIBLY] = cv2.GC_PR_BGD
    guess[distance_HW < _LIKELY] = cv2.GC_PR_FGD
    guess[distance_HW < _SURELY] = cv2.GC_FGD
    ours, theirs = np.zeros((1, _MODELS)), np.zeros((1, _MODELS))
    if (guess == cv2.GC_BGD).any() and (guess == cv2.GC_FGD).any():
        # It draws its first models by OpenCV's own random numbers: the same for every frame.
        cv2.setRNGSeed(0)
        cv2.grabCut(rgb_HW3, guess, (0, 0, 0, 0), ours, theirs, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    return np.isin(guess, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
