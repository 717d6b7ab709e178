"""Peak memory of both passes by the length of the shot: it must not grow.

    python bench/memory.py [--quick] [--frames 100 1000 10000]

Each length in a process of its own: a tiny plate and a tiny subject, every stage real, except that
the poses are given to the render pass. The pose pass stops at 1,000 frames, to end in minutes.
What is told is the most resident memory of the process.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from findings import Findings, peak_mib
from plates import stage_plate

PX = 64
MOST_POSED = 1000


def main() -> None:
    options = _parser().parse_args()
    if options.one:
        _one(options.one)
        return
    lengths = [100, 1000] if options.quick else options.frames
    findings = Findings("memory", {"frames": lengths, "px": PX})
    peaks: dict[str, list[float]] = {"pose": [], "render": []}
    for count in lengths:
        for what, each in peaks.items():
            if what == "pose" and count > MOST_POSED:
                continue
            command = [sys.executable, "-W", "ignore", __file__, "--one", what, str(count)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            each.append(float(done.stdout.split()[-1]))
            findings.add(f"{what} pass, {count} frames", each[-1], "MiB")
    for what, each in peaks.items():
        findings.add(f"{what} pass, longest over shortest", each[-1] / each[0], "x")
    findings.keep()


def _one(what: list[str]) -> None:
    # Only here: the process that asks must not hold what it measures.
    import torch
    from tiny import tiny_poses, tiny_subject

    from bodyswap.config import RenderSettings
    from bodyswap.overlap import ignore_frames
    from bodyswap.passes.shot_inputs import ShotInputs, SolvedShot
    from bodyswap.pipeline import Pipeline
    from bodyswap.timing import FrameRange

    torch.set_num_threads(1)
    stage, count = what[0], int(what[1])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plate = stage_plate(folder / "plate.mp4", count, size=PX)
        frames, pipeline = FrameRange(start=0, stop=count), Pipeline()
        if stage == "pose":
            settings = RenderSettings()
            pipeline.pose_range(plate, frames, settings=settings, on_frame=ignore_frames)
        else:
            subject, settings = tiny_subject(folder / "subject", PX), RenderSettings(engine="eager")
            inputs = ShotInputs(plate=plate, subject=subject, settings=settings)
            shot, out = SolvedShot(inputs=inputs, poses=tiny_poses(count, PX)), folder / "shot.mp4"
            pipeline.render_range(shot, frames, out, state=None, on_frame=ignore_frames)
    print(peak_mib())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="100 and 1,000 frames")
    parser.add_argument("--frames", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--one", nargs=2, metavar=("PASS", "FRAMES"), help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    main()
