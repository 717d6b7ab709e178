import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bodyswap.errors import UsageError
from bodyswap.nets.checkpoint import save_subject
from bodyswap.quality.drift_report import (
    REPORT_FILE,
    REPORT_PICTURE,
    compare_ends,
    ends_of,
    main,
    there_and_back,
)
from bodyswap.quality.stage_transfer import film_transfer, stage_motion
from bodyswap.stage.cast import REX, VEGA
from tests.quality.stage_subject import SIDE_PX, untrained_vega


def test_the_last_stretch_shows_what_the_first_does_and_no_frame_is_shown_twice_running() -> None:
    order = there_and_back(5, 29, 6)
    assert order[:10].tolist() == [0, 1, 2, 3, 4, 3, 2, 1, 0, 1]
    assert len(order) == 30
    np.testing.assert_array_equal(order[-6:], order[:6])
    assert (np.abs(np.diff(order)) == 1).all()
    assert len(there_and_back(76, 3000, 300)) == 3000


def test_stretches_that_overlap_are_refused() -> None:
    with pytest.raises(UsageError, match="599 frames do not hold two stretches of 300"):
        there_and_back(5, 599, 300)


def test_only_the_ends_are_kept() -> None:
    pictures = (np.full((2, 2, 3), index, np.uint8) for index in range(10))
    first, last = ends_of(pictures, 10, 3)
    assert first[:, 0, 0, 0].tolist() == [0, 1, 2]
    assert last[:, 0, 0, 0].tolist() == [7, 8, 9]


def test_a_stretch_that_faded_scores_worse_than_one_that_did_not() -> None:
    transfer = film_transfer(REX, VEGA, stage_motion("walk", 4), plate_px=64, subject_size=(80, 64))
    order = there_and_back(4, 8, 4)
    truth = transfer.truth.rgb_NHW3[order[:4]]
    faded = (truth * 0.9).astype(np.uint8)
    drift = compare_ends(truth, faded, transfer, order)
    assert drift.first.psnr_db == np.inf and drift.last.psnr_db < 30
    assert drift.apart_max > 10 and "apart: max" in drift.summary()
    steady = compare_ends(faded, faded, transfer, order)
    assert steady.first == steady.last and steady.apart_max == 0


def test_the_command_leaves_figures_and_frames_of_both_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = untrained_vega()
    folder, out = tmp_path / "vega", tmp_path / "report"
    save_subject(folder, subject.card, subject.generator.state_dict(), subject.background_HW3)
    main(["--subject", str(folder), "--motion", "run", "--frames", "8", "--stretch", "4",
          "--out", str(out)])  # fmt: skip
    assert "50 frames, first and last 4:" in capsys.readouterr().out
    told = json.loads((out / REPORT_FILE).read_text())
    assert told["frames"] == 50 and told["first"]["psnr_db"] > 0
    with Image.open(out / REPORT_PICTURE) as picture:
        assert picture.size == (6 * SIDE_PX, 3 * SIDE_PX)
