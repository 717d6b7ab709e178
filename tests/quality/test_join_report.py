"""Divided renders of a tiny subject who looks back one frame, and so needs one of warm-up."""

import json
from pathlib import Path

import numpy as np
import pytest

from bodyswap.errors import UsageError
from bodyswap.nets.checkpoint import save_subject
from bodyswap.quality.join_report import (
    REPORT_FILE,
    compare_divided,
    main,
    parts_of,
    render_parts,
    table,
)
from bodyswap.quality.stage_drive import pictures
from bodyswap.render import Renderer
from bodyswap.stage.cast import VEGA
from bodyswap.timing import FrameRange
from tests.motions_on_stage import stage_poses
from tests.quality.stage_subject import SIDE_PX, untrained_vega

FRAMES = FrameRange(start=0, stop=12)
POSES = stage_poses(VEGA, "walk", size=SIDE_PX).cut(FRAMES)


def test_parts_cover_the_shot_and_one_part_has_no_join() -> None:
    parts = parts_of(FrameRange(start=0, stop=10), 4)
    assert [(part.start, part.stop) for part in parts] == [(0, 4), (4, 8), (8, 10)]
    with pytest.raises(UsageError, match="have no join"):
        parts_of(FrameRange(start=0, stop=10), 10)


def test_more_warm_up_brings_joins_nearer_and_all_of_it_makes_the_parts_the_whole() -> None:
    renderer = Renderer(untrained_vega(), "cpu")
    whole = np.stack(list(pictures(renderer, POSES, FRAMES)))
    parts = parts_of(FRAMES, 5)
    rows = [
        compare_divided(render_parts(renderer, POSES, parts, warm), whole, parts, warm)
        for warm in (0, 1, 10)
    ]
    assert [row.joins for row in rows] == [2, 2, 2]
    assert rows[0].first_max > rows[1].first_max > rows[2].first_max == rows[2].any_max == 0
    assert rows[0].first_worst_psnr_db < rows[1].first_worst_psnr_db < np.inf
    assert rows[2].ratio == 1 and rows[2].ratio_spread == 0
    assert rows[2].beside == pytest.approx(rows[2].undivided_beside)
    assert rows[2].to_dict()["first_worst_psnr_db"] is None
    assert table(rows).splitlines()[2].startswith("| 0 | ")


def test_a_seam_is_told_by_how_much_more_error_it_has_than_the_undivided_render() -> None:
    renderer = Renderer(untrained_vega(), "cpu")
    whole = np.stack(list(pictures(renderer, POSES, FRAMES)))
    parts = parts_of(FRAMES, 6)
    seamed = whole.copy()
    seamed[6:] = np.clip(seamed[6:].astype(int) + 6, 0, 255)
    row = compare_divided(seamed, whole, parts, 0)
    assert (row.first_max, row.any_max) == (6, 6)
    assert row.ratio > 1.5 and row.beside > 1.5 * row.undivided_beside


def test_the_command_leaves_a_row_for_each_number_of_warm_up_frames(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = untrained_vega()
    folder, out = tmp_path / "vega", tmp_path / "report"
    save_subject(folder, subject.card, subject.generator.state_dict(), subject.background_HW3)
    main(["--subject", str(folder), "--motions", "walk", "run", "--frames", "4",
          "--shard-frames", "3", "--warmups", "0", "2", "--out", str(out)])  # fmt: skip
    assert len(capsys.readouterr().out.strip().splitlines()) == 4
    told = json.loads((out / REPORT_FILE).read_text())
    assert told["frames"] == 8
    assert [row["warmup_frames"] for row in told["warmups"]] == [0, 2]
    with pytest.raises(SystemExit, match="join_report: 'nobody' is not on the stage"):
        main(["--subject", str(folder), "--driver", "nobody", "--out", str(out)])
