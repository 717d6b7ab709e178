"""How near a render is to its truth, frame by frame: PSNR, SSIM (Wang et al. 2004), LPIPS.

`motion` says what each score over time means. It does not know files.
Shape letters: H rows, W columns, 3 = red, green, blue, 8-bit.
"""

import math
from collections.abc import Container, Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
import torch
from kornia.metrics import ssim as ssim_map
from torch import Tensor

from bodyswap.errors import UsageError
from bodyswap.frames import RGB
from bodyswap.people import PoseSequence
from bodyswap.quality.face import FaceCrops
from bodyswap.quality.lpips import Lpips
from bodyswap.quality.motion import MotionMeter
from bodyswap.quality.pose_error import PoseError

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
    face_ssim: float | None = None
    face_lpips: float | None = None
    pose_error_percent: float | None = None
    joints_lost_percent: float | None = None
    identity_delta_e: float | None = None


@dataclass(frozen=True, kw_only=True)
class QualityReport:
    """Every frame's scores, and their means."""

    frames: tuple[FrameQuality, ...]

    def with_poses(self, errors: Sequence[PoseError | None]) -> "QualityReport":
        """The same, and what each frame's pose was found to be off by."""
        pairs = zip(self.frames, errors, strict=True)
        frames = (
            frame if error is None else replace(frame, **asdict(error)) for frame, error in pairs
        )
        return QualityReport(frames=tuple(frames))

    def with_identity(self, distances: Sequence[float | None]) -> "QualityReport":
        """The same, and how far each frame's person is from the reference's (see `likeness`)."""
        pairs = zip(self.frames, distances, strict=True)
        return QualityReport(
            frames=tuple(replace(frame, identity_delta_e=distance) for frame, distance in pairs)
        )

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
                ("face SSIM {:.4f}", mean.face_ssim, None),
                ("face LPIPS {:.4f}", mean.face_lpips, None),
                ("pose error {:.2f} % of height", mean.pose_error_percent, None),
                ("{:.1f} % of joints lost", mean.joints_lost_percent, None),
                ("identity delta E {:.1f}", mean.identity_delta_e, None),
            )
            if score is not None
        ]  # fmt: skip
        return ", ".join(parts)


def compare(
    rendered: Iterable[RGB],
    reference: Iterable[RGB],
    lpips: Lpips | None = None,
    *,
    poses: PoseSequence | None = None,
    clip_starts: Container[int] = (),
) -> QualityReport:
    """Score `rendered` against `reference`, equally many pictures of equal size.

    With `poses`, the reference's in pixels of these pictures, a frame each, faces are scored too.
    Frames in `clip_starts`, counted from 0, follow a cut: nothing is measured across it.

    Raises:
        UsageError: they are not, or there are none, or not a pose for each.
    """
    frames = []
    meter, faces = MotionMeter(), None if poses is None else FaceCrops(poses)
    try:
        for index, (one, other) in enumerate(zip(rendered, reference, strict=True)):
            if index in clip_starts:
                meter.forget()
            scores = _compare_frame(one, other, lpips, meter)
            if faces is not None:
                scores = _with_face(scores, faces, index, (one, other), lpips)
            frames.append(scores)
    except ValueError as error:
        raise UsageError(f"cannot compare: {error}; give the same frames of both") from error
    if not frames:
        raise UsageError("there are no frames to compare")
    if faces is not None and len(faces) != len(frames):
        raise UsageError(f"cannot compare {len(frames)} frames with {len(faces)} poses")
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
        ssim=_ssim(one, other),
        lpips=None if lpips is None else float(lpips(one * 2 - 1, other * 2 - 1)),
        **({} if motion is None else asdict(motion)),
    )


@torch.inference_mode()
def _with_face(
    scores: FrameQuality, faces: FaceCrops, index: int, pair: tuple[RGB, RGB], lpips: Lpips | None
) -> FrameQuality:
    """The scores, and those of the face where it can be seen."""
    if index >= len(faces):
        return scores
    crops = [faces.crop(picture_HW3, index) for picture_HW3 in pair]
    one, other = (None if crop is None else _unit(crop) for crop in crops)
    if one is None or other is None:
        return scores
    return replace(
        scores,
        face_ssim=_ssim(one, other),
        face_lpips=None if lpips is None else float(lpips(one * 2 - 1, other * 2 - 1)),
    )


def _ssim(one_13HW: Tensor, other_13HW: Tensor) -> float:
    return float(ssim_map(one_13HW, other_13HW, _SSIM_WINDOW, padding="valid").mean())


def _unit(rgb_HW3: RGB) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(rgb_HW3)).permute(2, 0, 1)[None].float() / 255
