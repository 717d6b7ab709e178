"""The shipped subject is whole, small, and looks like the performer it was learnt from."""

from dataclasses import replace
from math import pi
from pathlib import Path

import numpy as np
import pytest

from bodyswap.nets.checkpoint import load_card, load_subject, read_beside
from bodyswap.quality.coverage import INDEX_FILE, CoverageIndex
from bodyswap.skeleton import COCO_17
from bodyswap.timing import FrameRange
from bodyswap.training.footage import SubjectFootage
from bodyswap.training.score import score_frames, score_subject
from bodyswap.training.vega import (
    PACKAGED,
    SIDE_PX,
    SIDES,
    Take,
    film,
    held_out_takes,
    take_poses,
    training_takes,
)

MOST_BYTES = 13_000_000


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> SubjectFootage:
    """Eight frames of vega running, from a side that was not trained on."""
    take = Take(motion="run", yaw_rad=pi / SIDES / 2, is_mirrored=False)
    filmed = film([take], tmp_path_factory.mktemp("footage"))
    frames = FrameRange(start=0, stop=8)
    return SubjectFootage(
        rgb_NHW3=filmed.rgb_NHW3[:8],
        poses=filmed.poses.cut(frames),
        matte_NHW=filmed.matte_NHW[:8],
        background_HW3=filmed.background_HW3,
    )


def test_nothing_held_out_is_trained_on() -> None:
    trained = training_takes()
    assert len(trained) > 100
    for take in held_out_takes():
        assert take not in trained
        assert all(
            take.motion != other.motion or abs(take.yaw_rad - other.yaw_rad) > 0.1
            for other in trained
        )


def test_the_stage_films_the_subject_with_poses_and_mattes_that_agree(
    running: SubjectFootage,
) -> None:
    assert running.rgb_NHW3.shape == (8, SIDE_PX, SIDE_PX, 3)
    hip = running.poses.keypoints_NK2[:, COCO_17.joint("left_hip")].round().astype(int)
    for matte, (x, y) in zip(running.matte_NHW, hip, strict=True):
        assert matte[y, x] > 200
    off_person = running.matte_NHW == 0
    assert (running.rgb_NHW3[off_person].mean(axis=-1) > 20).all()


def test_poses_told_without_filming_are_those_of_the_film(running: SubjectFootage) -> None:
    poses, starts = take_poses([Take(motion="run", yaw_rad=pi / SIDES / 2, is_mirrored=False)])
    assert starts == (0,)
    np.testing.assert_allclose(poses.keypoints_NK2[:8], running.poses.keypoints_NK2, atol=1e-3)


def test_the_shipped_index_knows_every_pose_she_was_learnt_in() -> None:
    data = read_beside(PACKAGED, INDEX_FILE)
    assert data is not None
    index = CoverageIndex.from_bytes(data)
    assert index.count_C.sum() == load_card(PACKAGED).training.frames
    poses, _ = take_poses(training_takes()[::9])
    risk_N, _, _ = index.risk(poses)
    assert np.median(risk_N) < 0.1 and risk_N.max() < 0.5


def test_the_shipped_folder_is_whole_and_small() -> None:
    subject = load_subject(PACKAGED, "cpu")
    assert subject.card.name == "vega"
    assert subject.card.origin.consent == "synthetic"
    assert (subject.card.width, subject.card.height) == (SIDE_PX, SIDE_PX)
    assert sum(path.stat().st_size for path in Path(PACKAGED).iterdir()) < MOST_BYTES


def test_the_shipped_subject_resembles_the_performer(running: SubjectFootage) -> None:
    subject = load_subject(PACKAGED, "cpu")
    rendered = score_subject(subject, running)
    nobody = score_frames(running.background_HW3[None].repeat(8, 0), running)
    assert rendered.person_psnr_db > nobody.person_psnr_db + 6
    scrambled = replace(running.poses, keypoints_NK2=running.poses.keypoints_NK2[:, ::-1].copy())
    assert score_subject(subject, running, scrambled).person_psnr_db < rendered.person_psnr_db
