"""quality.csv: a row for every frame, a column for every score; empty where it was not measured.

It does not know what the scores mean.
"""

import csv
from dataclasses import asdict, fields
from pathlib import Path

from bodyswap.quality.metrics import FrameQuality, QualityReport
from bodyswap.timing import FIRST_FRAME_NUMBER, FrameRange

CSV_FILE = "quality.csv"


def write_scores(report: QualityReport, frames: FrameRange, path: Path) -> None:
    """Write the table; `frames` are the reference's, and give each row its number."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["frame", *(field.name for field in fields(FrameQuality))])
            for index, scores in zip(frames, report.frames, strict=True):
                rows.writerow([index + FIRST_FRAME_NUMBER, *map(_cell, asdict(scores).values())])
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _cell(score: float | None) -> str:
    return "" if score is None else f"{score:.6g}"
