"""Compare two video files: the render's frames with the same ones of its reference.

It does not know the scores.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from bodyswap.decode import decode
from bodyswap.frames import RGB
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.quality.lpips import load_lpips
from bodyswap.quality.metrics import QualityReport, compare
from bodyswap.timing import FrameRange, parse_frame_range


def compare_files(
    render: Path, reference: Path, *, frames: str | None, lpips_weights: Path | None
) -> QualityReport:
    """Score `render` against `frames` of `reference`, which is resized to the render's size.

    Raises:
        PlateError: a file cannot be read.
        UsageError: they have different numbers of frames, or the weights are not there.
    """
    shot, truth = index_clip(render), index_clip(reference)
    wanted = truth.frames if frames is None else parse_frame_range(frames, len(truth))
    lpips = None if lpips_weights is None else load_lpips(lpips_weights)
    resized = (_resized(picture, shot) for picture in _pictures(truth, wanted))
    return compare(_pictures(shot, shot.frames), resized, lpips)


def _pictures(clip: ClipIndex, frames: FrameRange) -> Iterator[RGB]:
    for batch in decode(clip, frames):
        yield from batch.rgb_NHW3


def _resized(picture_HW3: RGB, like: ClipIndex) -> RGB:
    if picture_HW3.shape[:2] == (like.height, like.width):
        return picture_HW3
    size = (like.width, like.height)
    return np.asarray(cv2.resize(picture_HW3, size, interpolation=cv2.INTER_AREA), np.uint8)
