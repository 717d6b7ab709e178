"""The folder in which a comparison is kept: a table, and pictures to judge it by.

quality.csv, quality.png, worst-frames.png, and worst-joins.png where joins were measured.

It does not know the scores.
"""

from collections.abc import Sequence
from pathlib import Path

from bodyswap.quality.comparison import write_picture
from bodyswap.quality.files import ComparedFiles
from bodyswap.quality.joins import JoinQuality
from bodyswap.quality.joins_picture import JOINS_PICTURE, draw_joins
from bodyswap.quality.metrics import QualityReport
from bodyswap.quality.scores_file import CSV_FILE, write_scores
from bodyswap.quality.scores_picture import SCORES_PICTURE, draw_scores
from bodyswap.quality.worst_frames import WORST_PICTURE, draw_worst
from bodyswap.timing import FIRST_FRAME_NUMBER


def write_record(
    report: QualityReport, files: ComparedFiles, joins: Sequence[JoinQuality], out: Path
) -> None:
    """Write them all."""
    cuts = [join.frame - FIRST_FRAME_NUMBER for join in joins]
    out.mkdir(parents=True, exist_ok=True)
    write_scores(report, files.frames, out / CSV_FILE)
    write_picture(draw_scores(report, files.frames, cuts), out / SCORES_PICTURE)
    write_picture(draw_worst(report, files.frames, files.pair), out / WORST_PICTURE)
    if joins:
        shown = draw_joins(joins, files.frames, lambda index: files.pair(index)[0])
        write_picture(shown, out / JOINS_PICTURE)
