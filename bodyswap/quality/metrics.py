"""How near a render is to its truth, frame by frame: PSNR, SSIM (Wang et al. 2004), LPIPS.

It does not know files. Shape letters: H rows, W columns, 3 = red, green, blue, 8-bit.
"""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from kornia.metrics import ssim as ssim_map
from torch import Tensor

from bodyswap.errors import UsageError
from bodyswap.frames import RGB
from bodyswap.quality.lpips import Lpips

_SSIM_WINDOW = 11


@dataclass(frozen=True, kw_only=True)
class FrameQuality:
    """One frame's scores; `psnr_db` is infinite where the pictures are equal."""

    psnr_db: float
    ssim: float
    lpips: float | None = None


@dataclass(frozen=True, kw_only=True)
class QualityReport:
    """Every frame's scores, and their means."""

    frames: tuple[FrameQuality, ...]

    @property
    def mean(self) -> FrameQuality:
        """Means over frames; of LPIPS only where it was measured."""
        lpips = [frame.lpips for frame in self.frames if frame.lpips is not None]
        return FrameQuality(
            psnr_db=float(np.mean([frame.psnr_db for frame in self.frames])),
            ssim=float(np.mean([frame.ssim for frame in self.frames])),
            lpips=float(np.mean(lpips)) if lpips else None,
        )

    def to_dict(self) -> dict[str, object]:
        return {"mean": asdict(self.mean), "frames": [asdict(frame) for frame in self.frames]}

    def summary(self) -> str:
        mean = self.mean
        text = f"{len(self.frames)} frames: PSNR {mean.psnr_db:.2f} dB, SSIM {mean.ssim:.4f}"
        return text if mean.lpips is None else f"{text}, LPIPS {mean.lpips:.4f}"


def compare(
    rendered: Iterable[RGB], reference: Iterable[RGB], lpips: Lpips | None = None
) -> QualityReport:
    """Score `rendered` against `reference`, equally many pictures of equal size.

    Raises:
        UsageError: they are not, or there are none.
    """
    frames = []
    try:
        for one, other in zip(rendered, reference, strict=True):
            frames.append(_compare_frame(one, other, lpips))
    except ValueError as error:
        raise UsageError(f"cannot compare: {error}; give the same frames of both") from error
    if not frames:
        raise UsageError("there are no frames to compare")
    return QualityReport(frames=tuple(frames))


def psnr_db(one_HW3: RGB, other_HW3: RGB) -> float:
    """Peak signal-to-noise ratio in decibels."""
    error = float(np.mean((one_HW3.astype(np.float64) - other_HW3) ** 2))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


@torch.inference_mode()
def _compare_frame(one_HW3: RGB, other_HW3: RGB, lpips: Lpips | None) -> FrameQuality:
    if one_HW3.shape != other_HW3.shape:
        raise ValueError(f"pictures are {one_HW3.shape} and {other_HW3.shape}")
    one, other = _unit(one_HW3), _unit(other_HW3)
    return FrameQuality(
        psnr_db=psnr_db(one_HW3, other_HW3),
        ssim=float(ssim_map(one, other, _SSIM_WINDOW, padding="valid").mean()),
        lpips=None if lpips is None else float(lpips(one * 2 - 1, other * 2 - 1)),
    )


def _unit(rgb_HW3: RGB) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(rgb_HW3)).permute(2, 0, 1)[None].float() / 255
