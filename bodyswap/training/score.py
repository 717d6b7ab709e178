"""How close a subject's own rollout comes to footage it was not trained on.

It does not know plates or delivery; `quality` measures those.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bodyswap.frames import RGB
from bodyswap.nets.checkpoint import Subject
from bodyswap.people import PoseSequence
from bodyswap.quality.metrics import compare, psnr_db
from bodyswap.timing import FrameRange
from bodyswap.training.footage import Mattes, SubjectFootage
from bodyswap.training.rollout import roll_out


@dataclass(frozen=True, kw_only=True)
class Score:
    """Means over frames; `person_psnr_db` counts only pixels in the true matte's bounding box."""

    psnr_db: float
    person_psnr_db: float
    ssim: float
    face_ssim: float | None
    warping_error: float | None
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
    return score_frames(np.concatenate([clip.rgb_NHW3 for clip in rolled]), footage)


def score_frames(rgb_NHW3: RGB, footage: SubjectFootage) -> Score:
    """The score of frames against the footage's."""
    mean = compare(
        rgb_NHW3, footage.rgb_NHW3, poses=footage.poses, clip_starts=footage.clip_starts
    ).mean
    person = [
        psnr_db(got_HW3[box], want_HW3[box])
        for got_HW3, want_HW3, matte_HW in zip(
            rgb_NHW3, footage.rgb_NHW3, footage.matte_NHW, strict=True
        )
        if (box := _box(matte_HW)) is not None
    ]
    return Score(
        psnr_db=mean.psnr_db,
        person_psnr_db=float(np.mean(person)) if person else float("nan"),
        ssim=mean.ssim,
        face_ssim=mean.face_ssim,
        warping_error=mean.warping_error,
        frames=len(rgb_NHW3),
    )


def clips_of(footage: SubjectFootage) -> list[FrameRange]:
    """The uncut stretches of the footage."""
    edges = [*footage.clip_starts, len(footage)]
    return [FrameRange(start=a, stop=b) for a, b in pairwise(edges)]


def _box(matte_HW: Mattes) -> tuple[slice, slice] | None:
    if not matte_HW.any():
        return None
    rows, columns = (np.flatnonzero(matte_HW.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
