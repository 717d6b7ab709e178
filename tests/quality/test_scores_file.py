import csv
from dataclasses import fields
from pathlib import Path

import pytest

from bodyswap.quality.metrics import FrameQuality, compare
from bodyswap.quality.scores_file import write_scores
from bodyswap.timing import FrameRange
from tests.quality.scenes import brightened, walked


def test_the_table_has_a_row_a_frame_and_the_scores_in_it(tmp_path: Path) -> None:
    scene = walked(5)
    report = compare(brightened(scene, 9), scene)
    write_scores(report, FrameRange(start=40, stop=45), tmp_path / "quality.csv")
    assert [file.name for file in tmp_path.iterdir()] == ["quality.csv"]
    with (tmp_path / "quality.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["frame"] for row in rows] == ["1041", "1042", "1043", "1044", "1045"]
    assert set(rows[0]) == {"frame", *(field.name for field in fields(FrameQuality))}
    for row, scores in zip(rows, report.frames, strict=True):
        assert float(row["psnr_db"]) == pytest.approx(scores.psnr_db, rel=1e-5)
    assert rows[0]["flicker"] == "" == rows[3]["lpips"]
    assert float(rows[3]["flicker"]) == pytest.approx(9, abs=0.01)
