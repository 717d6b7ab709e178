"""Render a driver's motion onto a subject of the stage, and score it against the exact truth.

It does not know tables or pictures of many motions; `stage_report` does.
Shape letters: N frames, H rows, W columns, 3 = red, green, blue, 8-bit.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from bodyswap.config import RenderSettings
from bodyswap.encode import CODECS, encode
from bodyswap.errors import NoPerformerError
from bodyswap.frames import RGB
from bodyswap.nets.checkpoint import Subject
from bodyswap.people import PoseSequence
from bodyswap.pipeline import Pipeline
from bodyswap.quality.likeness import identity_distances
from bodyswap.quality.lpips import Lpips
from bodyswap.quality.metrics import FrameQuality, QualityReport, compare
from bodyswap.quality.person import person_psnr_db
from bodyswap.quality.pose_error import person_height_px, pose_errors
from bodyswap.quality.retarget_error import RetargetError, retarget_error
from bodyswap.quality.stage_drive import drive, pictures, plate_of
from bodyswap.quality.stage_transfer import StageTransfer
from bodyswap.render import Renderer
from bodyswap.skeleton import COCO_17
from bodyswap.solve import follow_performer
from bodyswap.stage.render import Performance


@dataclass(frozen=True, kw_only=True)
class MotionScore:
    """One motion: what was rendered, each frame's scores, and how far off the poses were.

    `person_db_N` is infinite where the person is perfect, NaN where nobody is there.
    `own_joints_db` is the mean of the same where the subject's own exact joints drive: what the
    networks could reach, were retargeting perfect. `found_percent` is how far off the pose pass
    found the driver's joints, in percent of their height; None where exact joints drove.
    """

    name: str
    rendered_NHW3: RGB
    quality: QualityReport
    person_db_N: npt.NDArray[np.float64]
    own_joints_db: float
    found_percent: float | None
    retargeting: RetargetError

    @property
    def mean(self) -> FrameQuality:
        return self.quality.mean

    @property
    def person_psnr_db(self) -> float:
        return float(np.nanmean(self.person_db_N))

    @property
    def worst_index(self) -> int:
        """The frame whose person is farthest from the truth."""
        return int(np.nanargmin(self.person_db_N))


class StageScorer:
    """Scores one subject; networks are loaded once."""

    def __init__(
        self,
        subject: Subject,
        *,
        settings: RenderSettings,
        device: torch.device | str,
        lpips: Lpips | None = None,
        finds_poses: bool = False,
        poses_render: bool = False,
    ) -> None:
        """With `finds_poses` the pose pass drives, not exact joints.

        With `poses_render` the render is posed too, to tell which pose it shows.
        """
        self._subject, self._settings, self._device = subject, settings, device
        self._lpips, self._finds_poses, self._poses_render = lpips, finds_poses, poses_render
        self._pipeline = Pipeline()

    def score(self, transfer: StageTransfer) -> MotionScore:
        """The subject driven as in `transfer`.

        Raises:
            NoPerformerError: poses were to be found, and nobody was.
        """
        plate_NHW3 = transfer.driver.rgb_NHW3
        exact = transfer.driving_poses
        driving = self._found(plate_NHW3, transfer) if self._finds_poses else exact
        poses = drive(driving, plate_of(plate_NHW3), self._subject.card.stance)
        renderer = Renderer(self._subject, self._device)
        rendered_NHW3 = np.stack(list(pictures(renderer, poses, poses.frames)))
        truth = transfer.truth
        report = compare(rendered_NHW3, truth.rgb_NHW3, self._lpips, poses=transfer.true_poses)
        if self._poses_render:
            report = self._with_shown(report, rendered_NHW3, transfer)
        own_NHW3 = np.stack(list(pictures(renderer, transfer.true_poses, transfer.frames)))
        return MotionScore(
            name=transfer.name,
            rendered_NHW3=rendered_NHW3,
            quality=report,
            person_db_N=_person_db(rendered_NHW3, truth),
            found_percent=_percent_off(driving, exact) if self._finds_poses else None,
            own_joints_db=float(np.nanmean(_person_db(own_NHW3, truth))),
            retargeting=retarget_error(
                poses.keypoints_NK2,
                truth.keypoints_NK2,
                transfer.planted_N2,
                skeleton=COCO_17,
                person_height_px=person_height_px(transfer.true_poses),
            ),
        )

    def _with_shown(
        self, report: QualityReport, rendered_NHW3: RGB, transfer: StageTransfer
    ) -> QualityReport:
        """The report, and what the pose model sees in the render, if it sees anybody."""
        truth = transfer.true_poses
        try:
            shown = self._found(rendered_NHW3, transfer)
        except NoPerformerError:
            return report.with_poses(pose_errors(None, truth))
        distances = identity_distances(rendered_NHW3, transfer.truth.rgb_NHW3, shown, truth)
        return report.with_poses(pose_errors(shown, truth)).with_identity(distances)

    def _found(self, rgb_NHW3: RGB, transfer: StageTransfer) -> PoseSequence:
        """The one person in a film, as the pose pass and the solve find them.

        Raises:
            NoPerformerError: nobody was found.
        """
        with tempfile.TemporaryDirectory() as folder:
            film = Path(folder) / "film.mp4"
            encode(
                rgb_NHW3, film, timeline=transfer.timeline, frames=transfer.frames,
                codec=CODECS["ffv1"],
            )  # fmt: skip
            seen = self._pipeline.pose_range(
                film, transfer.frames, settings=self._settings, on_frame=_ignore
            )
        plate, solve = plate_of(rgb_NHW3), self._settings.solve
        return follow_performer(seen, transfer.frames, plate=plate, settings=solve)[0]


def _percent_off(found: PoseSequence, exact: PoseSequence) -> float | None:
    """The mean distance of joints known in both, over all frames in which there are any."""
    errors = [error.pose_error_percent for error in pose_errors(found, exact) if error is not None]
    known = [error for error in errors if error is not None]
    return float(np.mean(known)) if known else None


def _person_db(rendered_NHW3: RGB, truth: Performance) -> npt.NDArray[np.float64]:
    """The person's PSNR in each frame; NaN where nobody is there."""
    told = [
        person_psnr_db(*pictures_of_one)
        for pictures_of_one in zip(rendered_NHW3, truth.rgb_NHW3, truth.matte_NHW, strict=True)
    ]
    return np.array([np.nan if decibels is None else decibels for decibels in told], np.float64)


def _ignore(_done: int) -> None:
    return
