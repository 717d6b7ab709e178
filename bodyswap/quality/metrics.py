"""How near a render is to its truth, frame by frame: PSNR, SSIM (Wang et al. 2004), LPIPS.

`motion` says what each score over time means. It does not know files.
Shape letters: H rows, W columns, 3 = red, green, blue, 8-bit.
"""

import math
from collections.abc import Container, Iterable
from dataclasses import asdict, dataclass, fields

import numpy as np
import torch
from kornia.metrics import ssim as ssim_map
from torch import Tensor

from bodyswap.errors import UsageError
from bodyswap.frames import RGB
from bodyswap.quality.lpips import Lpips
from bodyswap.quality.motion import MotionMeter

_SSIM_WINDOW = 11


@dataclass(frozen=True, kw_only=True)
class FrameQuality:
    """One frame's scores; `psnr_db` is infinite where the pictures are equal.

    None is what was not, or could not be, measured: in a clip's first frame, all over time.
    """

    psnr_db: float
    ssim: float
    lpips: float | None = None
    warping_error: float | None = None
    reference_warping_error: float | None = None
    tof_px: float | None = None
    flicker: float | None = None
    reference_flicker: float | None = None
    change: float | None = None
    reference_change: float | None = None


@dataclass(frozen=True, kw_only=True)
class QualityReport:
    """Every frame's scores, and their means."""

    frames: tuple[FrameQuality, ...]

    @property
    def mean(self) -> FrameQuality:
        """Means over the frames in which each score was measured."""
        always = {"psnr_db", "ssim"}
        return FrameQuality(
            psnr_db=float(np.mean([frame.psnr_db for frame in self.frames])),
            ssim=float(np.mean([frame.ssim for frame in self.frames])),
            **{
                field.name: self._mean_where_known(field.name)
                for field in fields(FrameQuality)
                if field.name not in always
            },
        )

    def _mean_where_known(self, name: str) -> float | None:
        told = (getattr(frame, name) for frame in self.frames)
        known = [score for score in told if score is not None]
        return float(np.mean(known)) if known else None

    def to_dict(self) -> dict[str, object]:
        return {"mean": asdict(self.mean), "frames": [asdict(frame) for frame in self.frames]}

    def summary(self) -> str:
        mean = self.mean
        parts = [f"{len(self.frames)} frames: PSNR {mean.psnr_db:.2f} dB, SSIM {mean.ssim:.4f}"]
        parts += [
            text.format(score, floor)
            for text, score, floor in (
                ("LPIPS {:.4f}", mean.lpips, None),
                ("warping error {:.2f} (reference {:.2f})",
                 mean.warping_error, mean.reference_warping_error),
                ("tOF {:.3f} px", mean.tof_px, None),
                ("flicker {:.2f} (reference {:.2f})", mean.flicker, mean.reference_flicker),
            )
            if score is not None
        ]  # fmt: skip
        return ", ".join(parts)


def compare(
    rendered: Iterable[RGB],
    reference: Iterable[RGB],
    lpips: Lpips | None = None,
    *,
    clip_starts: Container[int] = (),
) -> QualityReport:
    """Score `rendered` against `reference`, equally many pictures of equal size.

    Frames in `clip_starts`, counted from 0, follow a cut: nothing is measured across it.

    Raises:
        UsageError: they are not, or there are none.
    """
    frames = []
    meter = MotionMeter()
    try:
        for index, (one, other) in enumerate(zip(rendered, reference, strict=True)):
            if index in clip_starts:
                meter.forget()
            frames.append(_compare_frame(one, other, lpips, meter))
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
def _compare_frame(
    one_HW3: RGB, other_HW3: RGB, lpips: Lpips | None, meter: MotionMeter
) -> FrameQuality:
    if one_HW3.shape != other_HW3.shape:
        raise ValueError(f"pictures are {one_HW3.shape} and {other_HW3.shape}")
    one, other = _unit(one_HW3), _unit(other_HW3)
    motion = meter.measure(one_HW3, other_HW3)
    return FrameQuality(
        psnr_db=psnr_db(one_HW3, other_HW3),
        ssim=float(ssim_map(one, other, _SSIM_WINDOW, padding="valid").mean()),
        lpips=None if lpips is None else float(lpips(one * 2 - 1, other * 2 - 1)),
        **({} if motion is None else asdict(motion)),
    )


def _unit(rgb_HW3: RGB) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(rgb_HW3)).permute(2, 0, 1)[None].float() / 255
