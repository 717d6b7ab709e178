"""What was measured of a trained subject, as their card tells it.

It does not know how it was measured; `training.finish` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Self

from bodyswap.errors import SubjectError

HALF_A_LEVEL = 0.5
_DIGITS = 4


@dataclass(frozen=True, kw_only=True)
class Contraction:
    """How fast a render forgets where it began, in grey levels of 255.

    `curves` tell, for each kind of start, the 99th percentile of the difference from a render
    that never began anew, after 1, 2, … frames. `warmup_frames` is the first count from which
    every curve stays under `tolerance`, None where that was never seen.
    """

    curves: Mapping[str, tuple[float, ...]]
    warmup_frames: int | None
    tolerance: float = HALF_A_LEVEL

    def __post_init__(self) -> None:
        counts = {len(curve) for curve in self.curves.values()}
        if len(counts) != 1 or 0 in counts:
            raise SubjectError("contraction curves must be equally long, and at least one frame")
        values = [value for curve in self.curves.values() for value in curve]
        if not all(isfinite(value) and value >= 0 for value in (*values, self.tolerance)):
            raise SubjectError("contraction curves and tolerance must be finite and not negative")
        told = _settled_from(self.curves, self.tolerance)
        if self.warmup_frames != told:
            raise SubjectError(
                f"contraction warmup_frames is {self.warmup_frames}, but its curves say {told}"
            )

    @classmethod
    def of(
        cls, curves: Mapping[str, tuple[float, ...]], *, tolerance: float = HALF_A_LEVEL
    ) -> Self:
        """The contraction that these curves, rounded for a card, amount to."""
        rounded = {
            start: tuple(round(value, _DIGITS) for value in curve)
            for start, curve in curves.items()
        }
        settled = _settled_from(rounded, tolerance)
        return cls(curves=rounded, warmup_frames=settled, tolerance=tolerance)

    @property
    def measured_frames(self) -> int:
        return len(next(iter(self.curves.values())))


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """How close the subject comes to footage they were not trained on: means over its frames.

    `person_psnr_db` counts only the pixels around the person, and is None where nobody is seen.
    """

    frames: int
    psnr_db: float
    person_psnr_db: float | None
    ssim: float
    lpips: float | None = None
    face_ssim: float | None = None
    warping_error: float | None = None

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise SubjectError(f"held_out frames is {self.frames}; at least 1")


def _settled_from(curves: Mapping[str, tuple[float, ...]], tolerance: float) -> int | None:
    """The first count of frames from which every curve stays under the tolerance."""
    worst = [max(values) for values in zip(*curves.values(), strict=True)]
    unsettled = [number for number, value in enumerate(worst, start=1) if value >= tolerance]
    settled = unsettled[-1] + 1 if unsettled else 1
    return settled if settled <= len(worst) else None
