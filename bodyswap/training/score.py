"""How close a subject's own rollout comes to footage it was not trained on.

It does not know plates or delivery; `quality` measures those.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from kornia.metrics import ssim

from bodyswap.frames import RGB
from bodyswap.nets.checkpoint import Subject
from bodyswap.skeleton import PoseSequence
from bodyswap.timing import FrameRange
from bodyswap.training.footage import SubjectFootage
from bodyswap.training.rollout import roll_out

SSIM_WINDOW = 11


@dataclass(frozen=True, kw_only=True)
class Score:
    """Means over frames; `person_psnr_db` counts only pixels in the true matte's bounding box."""

    psnr_db: float
    person_psnr_db: float
    ssim: float
    frames: int


def score_subject(
    subject: Subject, footage: SubjectFootage, poses: PoseSequence | None = None
) -> Score:
    """Render every clip of the footage from nothing, on the subject's own output.

    `poses` stand in for the footage's own, frame for frame, where given.
    """
    device = next(subject.generator.parameters()).device
    driving = poses or footage.poses
    rolled = [
        roll_out(subject.generator, driving.cut(clip), subject.background_HW3, device)
        for clip in clips_of(footage)
    ]
    return compare(np.concatenate([clip.rgb_NHW3 for clip in rolled]), footage)


def compare(rgb_NHW3: RGB, footage: SubjectFootage) -> Score:
    """The score of frames against the footage's."""
    whole, person, similar = [], [], []
    for got_HW3, want_HW3, matte_HW in zip(
        rgb_NHW3, footage.rgb_NHW3, footage.matte_NHW, strict=True
    ):
        whole.append(_psnr(got_HW3, want_HW3))
        if matte_HW.any():
            rows, columns = (np.flatnonzero(matte_HW.any(axis=axis)) for axis in (1, 0))
            box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            person.append(_psnr(got_HW3[box], want_HW3[box]))
        similar.append(_ssim(got_HW3, want_HW3))
    return Score(
        psnr_db=float(np.mean(whole)),
        person_psnr_db=float(np.mean(person)) if person else float("nan"),
        ssim=float(np.mean(similar)),
        frames=len(whole),
    )


def clips_of(footage: SubjectFootage) -> list[FrameRange]:
    """The uncut stretches of the footage."""
    edges = [*footage.clip_starts, len(footage)]
    return [FrameRange(start=a, stop=b) for a, b in pairwise(edges)]


def _psnr(got: RGB, want: RGB) -> float:
    error = float(np.square(got.astype(np.float32) - want.astype(np.float32)).mean())
    return 10 * float(np.log10(255**2 / max(error, 1e-2)))


def _ssim(got_HW3: RGB, want_HW3: RGB) -> float:
    pair = [
        torch.from_numpy(one.astype(np.float32) / 255).permute(2, 0, 1)[None]
        for one in (got_HW3, want_HW3)
    ]
    return float(ssim(pair[0], pair[1], SSIM_WINDOW).mean())
