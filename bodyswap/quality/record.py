"""The folder in which a comparison is kept: quality.csv, quality.png, worst-frames.png.

It does not know the scores.
"""

from collections.abc import Sequence
from pathlib import Path

from bodyswap.quality.comparison import write_picture
from bodyswap.quality.files import ComparedFiles
from bodyswap.quality.metrics import QualityReport
from bodyswap.quality.scores_file import CSV_FILE, write_scores
from bodyswap.quality.scores_picture import SCORES_PICTURE, draw_scores
from bodyswap.quality.worst_frames import WORST_PICTURE, draw_worst


def write_record(
    report: QualityReport, files: ComparedFiles, joins: Sequence[int], out: Path
) -> None:
    """Write the three of them; `joins` are the plate's indices after each join."""
    out.mkdir(parents=True, exist_ok=True)
    write_scores(report, files.frames, out / CSV_FILE)
    write_picture(draw_scores(report, files.frames, joins), out / SCORES_PICTURE)
    write_picture(draw_worst(report, files.frames, files.pair), out / WORST_PICTURE)
