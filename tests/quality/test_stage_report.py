"""The report on a tiny stage, of a subject that nobody trained."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bodyswap.config import RenderSettings
from bodyswap.errors import UsageError
from bodyswap.nets.checkpoint import Subject, save_subject
from bodyswap.quality.stage_report import REPORT_FILE, REPORT_PICTURE, StageRow, main, table
from bodyswap.quality.stage_score import MotionScore, StageScorer
from bodyswap.quality.stage_transfer import (
    HIDDEN_CONFIDENCE,
    StageTransfer,
    film_transfer,
    stage_motion,
    stage_performer,
)
from bodyswap.stage.cast import REX, VEGA
from tests.quality.stage_subject import SIDE_PX, untrained_vega

COUNT = 6


@pytest.fixture(scope="module")
def subject() -> Subject:
    return untrained_vega()


@pytest.fixture(scope="module")
def transfer() -> StageTransfer:
    return film_transfer(
        REX,
        VEGA,
        stage_motion("cartwheel", COUNT),
        plate_px=SIDE_PX,
        subject_size=(SIDE_PX, SIDE_PX),
    )


@pytest.fixture(scope="module")
def score(subject: Subject, transfer: StageTransfer) -> MotionScore:
    return StageScorer(subject, settings=RenderSettings(), device="cpu").score(transfer)


def test_a_motion_is_cut_to_its_middle_and_a_short_one_kept_whole() -> None:
    whole, middle = stage_motion("cartwheel", 10_000), stage_motion("cartwheel", COUNT)
    first = (len(whole) - COUNT) // 2
    np.testing.assert_array_equal(middle.root_T3, whole.root_T3[first : first + COUNT])
    assert len(stage_motion("run", 10_000)) == 24


def test_exact_joints_drive_and_are_trusted_as_they_are_seen(transfer: StageTransfer) -> None:
    poses = transfer.driving_poses
    np.testing.assert_array_equal(poses.keypoints_NK2, transfer.driver.keypoints_NK2)
    assert set(np.unique(poses.confidence_NK)) == {np.float32(HIDDEN_CONFIDENCE), 1}


def test_the_retargeted_joints_are_near_the_truth_though_driver_and_subject_differ(
    score: MotionScore, transfer: StageTransfer
) -> None:
    apart = np.abs(transfer.driver.keypoints_NK2 - transfer.truth.keypoints_NK2).mean()
    assert apart > 1
    assert 0 < score.retargeting.placed_joints < 6
    assert score.retargeting.placed_joints <= score.retargeting.joints


def test_the_person_is_judged_apart_from_a_background_that_is_right(score: MotionScore) -> None:
    assert score.person_psnr_db < score.mean.psnr_db - 3
    assert score.person_db_N[score.worst_index] == score.person_db_N.min()


def test_a_render_that_is_the_truth_is_perfect_and_one_spoilt_frame_is_its_worst(
    score: MotionScore, transfer: StageTransfer
) -> None:
    person_db_N = np.full(COUNT, np.inf)
    person_db_N[2] = 12.0
    spoilt = replace(score, rendered_NHW3=transfer.truth.rgb_NHW3, person_db_N=person_db_N)
    assert spoilt.worst_index == 2
    row = StageRow.of(spoilt)
    assert (row.worst_frame, row.worst_person_psnr_db) == (2, 12.0)


def test_the_report_is_a_table_a_file_and_a_picture_with_a_row_a_motion(
    subject: Subject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "vega", tmp_path / "report"
    state = subject.generator.state_dict()
    save_subject(folder, subject.card, state, subject.background_HW3)
    main(["--subject", str(folder), "--motions", "cartwheel", "spinkick", "--frames", "3",
          "--out", str(out)])  # fmt: skip
    lines = capsys.readouterr().out.strip().splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["cartwheel", "spinkick", "mean"]
    told = json.loads((out / REPORT_FILE).read_text())
    assert [row["motion"] for row in told["motions"]] == ["cartwheel", "spinkick"]
    assert told["motions"][0]["frames"] == 3 and told["motions"][0]["lpips"] is None
    with Image.open(out / REPORT_PICTURE) as picture:
        assert picture.width > 1800 and picture.height > 250


def test_the_pose_pass_may_drive_and_what_it_is_off_by_is_told(subject: Subject) -> None:
    size = (SIDE_PX, SIDE_PX)
    filmed = film_transfer(REX, VEGA, stage_motion("walk", 3), plate_px=256, subject_size=size)
    scorer = StageScorer(
        subject, settings=RenderSettings(device="cpu"), device="cpu",
        finds_poses=True, poses_render=True,
    )  # fmt: skip
    score = scorer.score(filmed)
    assert score.found_percent is not None and 0 < score.found_percent < 8
    assert score.retargeting.placed_joints < 12
    assert score.mean.joints_lost_percent is not None


def test_exact_joints_are_off_by_nothing(score: MotionScore) -> None:
    assert score.found_percent is None and score.mean.pose_error_percent is None


def test_a_mean_leaves_out_what_was_not_measured(score: MotionScore) -> None:
    row = StageRow.of(score)
    rows = [replace(row, lpips=0.2), replace(row, lpips=None)]
    assert table(rows).splitlines()[-1].split("|")[6].strip() == "0.2000"


def test_who_is_not_on_the_stage_has_no_truth() -> None:
    with pytest.raises(UsageError, match="'nobody' is not on the stage"):
        stage_performer("nobody")
