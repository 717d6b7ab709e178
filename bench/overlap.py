"""What overlapping stages gain: frames a second, and the wall against the slowest stage alone.

    python bench/overlap.py [PLATE] [--frames 300] [--rounds 3] [--threads 1]

Both passes over the same frames, overlapping and taking turns, one round after the other. A pass's
share is its slowest step's own seconds, as they were within it, over the pass's wall: 1 where the
farm adds nothing to it. The plate is filmed on the stage if none is given.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from findings import Findings, peak_mib, ratio
from plates import stage_plate

from bodyswap.config import RenderSettings
from bodyswap.media.index import index_clip
from bodyswap.overlap import NO_OVERLAP, Overlap, ignore_frames
from bodyswap.passes.shot_inputs import ShotInputs, SolvedShot
from bodyswap.pipeline import Pipeline
from bodyswap.steps import StepClock, clocked
from bodyswap.subjects import packaged_subjects
from bodyswap.timing import FrameRange

SUBJECT = packaged_subjects()["vega"]


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One run of one pass."""

    wall_s: float
    step_s: dict[str, float]

    @property
    def slowest_s(self) -> float:
        return max(self.step_s.values())


def main() -> None:
    options = _parser().parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plate = options.plate or stage_plate(folder / "plate.mp4", options.frames, size=512)
        frames = FrameRange(start=0, stop=min(options.frames, len(index_clip(plate))))
        told = {"plate": plate.name, "frames": len(frames), "threads": options.threads}
        findings = Findings("overlap", told)
        _measure(findings, plate, frames, folder / "shot.mp4", options.rounds)
        findings.add("peak memory", peak_mib(), "MiB")
        findings.keep()


def _measure(findings: Findings, plate: Path, frames: FrameRange, out: Path, rounds: int) -> None:
    settings = RenderSettings()
    ways = {"turns": Pipeline(NO_OVERLAP), "overlap": Pipeline(Overlap(frames=8))}
    first = FrameRange(start=0, stop=16)

    def pose(pipeline: Pipeline, wanted: FrameRange = frames) -> object:
        return pipeline.pose_range(plate, wanted, settings=settings, on_frame=ignore_frames)

    seen = pose(ways["overlap"])
    inputs = ShotInputs(plate=plate, subject=SUBJECT, settings=settings)
    solved = ways["overlap"].solve_shot(seen, inputs, frames)
    shot = SolvedShot(inputs=inputs, poses=solved.subject)

    def render(pipeline: Pipeline, wanted: FrameRange = frames) -> object:
        return pipeline.render_range(shot, wanted, out, state=None, on_frame=ignore_frames)

    for what, work in (("pose pass", pose), ("render pass", render)):
        for pipeline in ways.values():
            work(pipeline, first)
        runs: dict[str, list[Pass]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, pipeline in ways.items():
                runs[name].append(_clocked(lambda p=pipeline, w=work: w(p)))
        _tell(findings, what, runs, len(frames))


def _tell(findings: Findings, what: str, runs: dict[str, list[Pass]], count: int) -> None:
    walls = {name: [one.wall_s for one in each] for name, each in runs.items()}
    for name, each in walls.items():
        findings.add(f"{what}, {name}", count / statistics.median(each), "frames/s")
    findings.add(f"{what}, overlapping against turns", ratio(walls["turns"], walls["overlap"]), "x")
    for name, each in runs.items():
        share = statistics.median(one.slowest_s / one.wall_s for one in each)
        step = max(each[-1].step_s, key=each[-1].step_s.__getitem__)
        findings.add(f"{what}, {name}: slowest step over wall", share, "", f"({step})")
    for step, seconds in sorted(runs["overlap"][-1].step_s.items()):
        findings.add(f"{what}, step {step}", 1000 * seconds / count, "ms/frame")


def _clocked(work: Callable[[], object]) -> Pass:
    clock, began_s = StepClock(), time.perf_counter()
    with clocked(clock):
        work()
    return Pass(wall_s=time.perf_counter() - began_s, step_s=clock.seconds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("plate", type=Path, nargs="?")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    return parser


if __name__ == "__main__":
    main()
