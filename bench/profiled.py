"""Where a render's time goes: a flame graph by py-spy, and PyTorch's table of operators.

    python bench/profiled.py [--frames 96]

Writes out/profile/render.svg (every thread, time in C shown too) and out/profile/operators.txt.
The table is of the eager engine: what another engine runs is one call to PyTorch.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from findings import ROOT
from plates import stage_plate

from bodyswap.config import RenderSettings
from bodyswap.overlap import ignore_frames
from bodyswap.passes.shot_inputs import ShotInputs, SolvedShot
from bodyswap.pipeline import Pipeline
from bodyswap.subjects import packaged_subjects
from bodyswap.timing import FrameRange

OUT = ROOT / "out" / "profile"


def main() -> int:
    options = _parser().parse_args()
    if options.only_render:
        _render(options.frames, engine="auto")
        return 0
    OUT.mkdir(parents=True, exist_ok=True)
    table = _operators(min(options.frames, 24))
    (OUT / "operators.txt").write_text(table + "\n")
    print(table)
    return _flame_graph(options.frames)


def _operators(count: int) -> str:
    with torch.profiler.profile() as profile:
        _render(count, engine="eager")
    return str(profile.key_averages().table(sort_by="self_cpu_time_total", row_limit=20))


def _flame_graph(count: int) -> int:
    beside = shutil.which("py-spy", path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}")
    if beside is None:
        print("py-spy is not installed: no flame graph")
        return 1
    picture = OUT / "render.svg"
    recorded = [sys.executable, "-W", "ignore", __file__, "--only-render", "--frames", str(count)]
    command = [beside, "record", "--native", "--rate", "200", "--output", str(picture), "--",
               *recorded]  # fmt: skip
    done = subprocess.run(command, check=False)
    print(f"flame graph: {picture}")
    return done.returncode


def _render(count: int, *, engine: str) -> None:
    """Both passes over a plate of the stage."""
    settings, subject = RenderSettings(engine=engine), packaged_subjects()["vega"]
    with tempfile.TemporaryDirectory() as name:
        plate = stage_plate(Path(name) / "plate.mp4", count, size=512)
        frames, pipeline = FrameRange(start=0, stop=count), Pipeline()
        seen = pipeline.pose_range(plate, frames, settings=settings, on_frame=ignore_frames)
        inputs = ShotInputs(plate=plate, subject=subject, settings=settings)
        poses = pipeline.solve_shot(seen, inputs, frames).subject
        shot, out = SolvedShot(inputs=inputs, poses=poses), Path(name) / "shot.mp4"
        pipeline.render_range(shot, frames, out, state=None, on_frame=ignore_frames)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=96)
    parser.add_argument("--only-render", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
