"""The verb, run on real files: what it says, and what it leaves in its folder."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from bodyswap.cli import app
from tests.media.clips import write_clip
from tests.quality.scenes import panned

COUNT, JOIN = 12, 6


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """The verb's arguments, for a render that is brighter from its join on."""
    scene = panned(COUNT)
    render = [picture + np.uint8(15 * (index >= JOIN)) for index, picture in enumerate(scene)]
    truth = write_clip(tmp_path / "truth.mp4", scene, options={"crf": "8"})
    shot = write_clip(tmp_path / "shot.mp4", render, options={"crf": "8"})
    cuts = [{"start": 0, "stop": JOIN}, {"start": JOIN, "stop": COUNT}]
    manifest = tmp_path / "manifest.json"
    manifest.write_text(
        json.dumps({"frames": {"start": 0, "stop": COUNT}, "parts": [{"frames": c} for c in cuts]})
    )
    return [
        "quality", str(shot), "--reference", str(truth), "--no-faces", "--joins", str(manifest),
        "--out", str(tmp_path / "out"),
    ]  # fmt: skip


def test_a_comparison_leaves_a_table_a_plot_and_the_worst_frames(
    files: list[str], tmp_path: Path
) -> None:
    done = CliRunner().invoke(app, [*files, "--json"], catch_exceptions=False)
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert len(told["frames"]) == COUNT
    (join,) = told["joins"]
    assert join["frame"] == 1001 + JOIN and join["excess"] > 5
    out = tmp_path / "out"
    assert {file.name for file in out.iterdir()} == {
        "quality.csv", "quality.png", "worst-frames.png", "worst-joins.png",
    }  # fmt: skip
    with (out / "quality.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["frame"]) for row in rows] == list(range(1001, 1001 + COUNT))
    errors = [float(row["warping_error"] or 0) for row in rows]
    assert int(np.argmax(errors)) == JOIN
    for name in ("quality.png", "worst-frames.png", "worst-joins.png"):
        with Image.open(out / name) as picture:
            assert picture.width > 1000


def test_people_are_told_in_two_lines(files: list[str]) -> None:
    done = CliRunner().invoke(app, files, catch_exceptions=False)
    lines = done.stdout.strip().splitlines()
    assert lines[0].startswith("12 frames: PSNR") and "warping error" in lines[0]
    assert lines[1].startswith("joins: 1; ") and f"at frame {1001 + JOIN}" in lines[1]
