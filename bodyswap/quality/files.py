"""Compare two video files: the render's frames with the same ones of its reference.

It does not know the scores.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from bodyswap.config import RenderSettings
from bodyswap.decode import picture_at, pictures_of
from bodyswap.errors import NoPerformerError
from bodyswap.frames import RGB
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.passes.fitting import plate_shape
from bodyswap.people import PoseSequence
from bodyswap.pipeline import Pipeline
from bodyswap.quality.likeness import identity_distances
from bodyswap.quality.lpips import load_lpips
from bodyswap.quality.metrics import QualityReport, compare
from bodyswap.quality.pose_error import pose_errors
from bodyswap.solve import follow_performer
from bodyswap.timing import FrameRange, parse_frame_range

OnWork = Callable[[str, int, int], None]
"""Called with what is being done, and how many frames of how many are."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A render, and `frames` ("1001-1040") of the reference that it is held to.

    `faces` asks for the face's own scores, for which the reference is posed; `poses` for those of
    the render's pose and of whom it shows, for which the render is posed too.
    """

    render: Path
    reference: Path
    frames: str | None = None
    lpips_weights: Path | None = None
    faces: bool = True
    poses: bool = False
    settings: RenderSettings = field(default_factory=RenderSettings)


class ComparedFiles:
    """The two files, opened: what they score, and any one frame of both to look at.

    Raises:
        PlateError: a file cannot be read.
        UsageError: the reference does not have those frames.
    """

    def __init__(self, wanted: Comparison) -> None:
        self._wanted = wanted
        self._render, self._reference = index_clip(wanted.render), index_clip(wanted.reference)
        self.frames = (
            self._reference.frames
            if wanted.frames is None
            else parse_frame_range(wanted.frames, len(self._reference))
        )
        """The reference's, which the report's frames are in order."""

    def score(self, on_work: OnWork) -> QualityReport:
        """Score all frames; the reference is resized to the render's size.

        Raises:
            PlateError: a frame does not decode.
            UsageError: the files have different numbers of frames, or weights are not there.
        """
        wanted, total = self._wanted, len(self._render)
        lpips = None if wanted.lpips_weights is None else load_lpips(wanted.lpips_weights)
        truth = self._poses_of_reference(on_work) if wanted.faces or wanted.poses else None
        report = compare(
            _counted(pictures_of(self._render, self._render.frames), total, on_work),
            self._truth(self.frames),
            lpips,
            poses=truth,
        )
        if truth is None or not wanted.poses:
            return report
        shown = self._poses_of_render(on_work)
        report = report.with_poses(pose_errors(shown, truth))
        if shown is None:
            return report
        rendered = pictures_of(self._render, self._render.frames)
        return report.with_identity(
            identity_distances(rendered, self._truth(self.frames), shown, truth)
        )

    def pair(self, index: int) -> tuple[RGB, RGB]:
        """The render's frame `index`, counted from 0, and the reference's at the same size."""
        there = self.frames.start + index
        one = picture_at(self._render, index)
        return one, next(self._truth(FrameRange(start=there, stop=there + 1)))

    def _truth(self, frames: FrameRange) -> Iterator[RGB]:
        return (_resized(picture, self._render) for picture in pictures_of(self._reference, frames))

    def _poses_of_reference(self, on_work: OnWork) -> PoseSequence | None:
        """In the render's pixels; None where nobody is seen."""
        settings = self._wanted.settings
        poses = _poses(self._reference, self.frames, settings, "posing the reference", on_work)
        if poses is None:
            return None
        render, reference = self._render, self._reference
        scale_2 = np.array(
            [render.width / reference.width, render.height / reference.height], np.float32
        )
        return replace(poses, keypoints_NK2=(poses.keypoints_NK2 + 0.5) * scale_2 - 0.5)

    def _poses_of_render(self, on_work: OnWork) -> PoseSequence | None:
        """Of the one who is largest in it: whoever was pointed at, was in the reference."""
        settings = self._wanted.settings.with_overrides(["solve.performer=auto"])
        return _poses(self._render, self._render.frames, settings, "posing the render", on_work)


def _poses(
    clip: ClipIndex, frames: FrameRange, settings: RenderSettings, stage: str, on_work: OnWork
) -> PoseSequence | None:
    seen = Pipeline().pose_range(
        clip.path, frames, settings=settings,
        on_frame=lambda done: on_work(stage, done, len(frames)),
    )  # fmt: skip
    try:
        return follow_performer(seen, frames, plate=plate_shape(clip), settings=settings.solve)[0]
    except NoPerformerError:
        return None


def _counted(pictures: Iterator[RGB], total: int, on_work: OnWork) -> Iterator[RGB]:
    for done, picture in enumerate(pictures, start=1):
        yield picture
        on_work("comparing", done, total)


def _resized(picture_HW3: RGB, like: ClipIndex) -> RGB:
    if picture_HW3.shape[:2] == (like.height, like.width):
        return picture_HW3
    size = (like.width, like.height)
    return np.asarray(cv2.resize(picture_HW3, size, interpolation=cv2.INTER_AREA), np.uint8)
