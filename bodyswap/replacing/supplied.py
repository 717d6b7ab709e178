"""A clean plate that somebody gives: it wins over the one made out of the plate.

It does not know files. Shape letters: H rows, W columns, 3 = red, green, blue.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bodyswap.frames import RGB
from bodyswap.replacing.cleanplate import CleanPlate, noise_of

_LEAST_GRAIN_LEVELS = 1.0
"""A picture painted over the plate has the plate's own grain: between them none is left to see."""


@dataclass(frozen=True, kw_only=True)
class SuppliedPlate:
    """`picture` answers the set at an index of the plate; the same at all where it is still."""

    picture: Callable[[int], RGB]
    is_still: bool


def clean_as_supplied(rgb_HW3: RGB, noise_3: npt.NDArray[np.float32]) -> CleanPlate:
    """All of it was seen."""
    return CleanPlate(
        rgb_HW3=rgb_HW3, seen_HW=np.ones(rgb_HW3.shape[:2], np.bool_), noise_3=noise_3
    )


def grain_beside(
    pictures: Sequence[RGB], supplied: Sequence[RGB], hidden: Sequence[npt.NDArray[np.bool_]]
) -> npt.NDArray[np.float32]:
    """How much the plate's frames differ from the sets given for them, where nobody is, (3,)."""
    off = [
        np.abs(picture.astype(np.int16) - clean)[::7, ::7][~hidden_HW[::7, ::7]]
        for picture, clean, hidden_HW in zip(pictures, supplied, hidden, strict=True)
    ]
    return np.maximum(noise_of(np.concatenate(off)), np.float32(_LEAST_GRAIN_LEVELS))
