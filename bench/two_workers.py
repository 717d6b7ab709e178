"""Two workers on two cores against one, one compute thread each; both passes, warm.

    python bench/two_workers.py [--quick] [--frames 240] [--rounds 5]

Each worker is a process with its models loaded that renders its own half of a plate, or all of it;
one worker and two take turns. Where the machine has other work, the figure is too low.
"""

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from findings import Findings, ratio
from plates import stage_plate

from bodyswap.timing import FrameRange


def main() -> None:
    options = _parser().parse_args()
    count, rounds = (96, 3) if options.quick else (options.frames, options.rounds)
    os.environ["OMP_NUM_THREADS"] = "1"
    findings = Findings("two_workers", {"frames": count, "rounds": rounds})
    with tempfile.TemporaryDirectory() as name:
        plate = stage_plate(Path(name) / "plate.mp4", count, size=512)
        halves = FrameRange(start=0, stop=count // 2), FrameRange(start=count // 2, stop=count)
        workers = [_Worker(plate, Path(name) / f"{number}.mp4") for number in range(2)]
        took: dict[tuple[str, int], list[float]] = {}
        for stage in ("pose", "render"):
            for _ in range(rounds):
                for many, parts in ((1, (FrameRange(start=0, stop=count),)), (2, halves)):
                    began = time.perf_counter()
                    asked = list(zip(workers, parts, strict=False))
                    for worker, part in asked:
                        worker.ask(stage, part)
                    for worker, _ in asked:
                        worker.wait()
                    took.setdefault((stage, many), []).append(time.perf_counter() - began)
        for worker in workers:
            worker.close()
    for (stage, many), seconds in took.items():
        rate = count / statistics.median(seconds)
        findings.add(f"{stage}, workers: {many}", rate, "frames/s")
    for stage in ("pose", "render"):
        findings.add(f"{stage}, two against one", ratio(took[stage, 1], took[stage, 2]), "x")
    findings.keep()


class _Worker:
    """A process that holds a pipeline."""

    def __init__(self, plate: Path, out: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, plate, out))
        self._process.start()
        assert self._line.recv() == "ready"

    def ask(self, stage: str, frames: FrameRange) -> None:
        self._line.send((stage, frames))

    def wait(self) -> None:
        assert self._line.recv() == "done"

    def close(self) -> None:
        self._line.send(None)
        self._process.join()


def _serve(line: Connection, plate: Path, out: Path) -> None:
    import torch

    from bodyswap.config import RenderSettings
    from bodyswap.media.index import index_clip
    from bodyswap.overlap import ignore_frames
    from bodyswap.passes.shot_inputs import ShotInputs, SolvedShot
    from bodyswap.pipeline import Pipeline
    from bodyswap.subjects import packaged_subjects

    torch.set_num_threads(1)
    pipeline, settings, subject = Pipeline(), RenderSettings(), packaged_subjects()["vega"]
    few = FrameRange(start=0, stop=24)
    whole = FrameRange(start=0, stop=len(index_clip(plate)))
    seen = pipeline.pose_range(plate, whole, settings=settings, on_frame=ignore_frames)
    inputs = ShotInputs(plate=plate, subject=subject, settings=settings)
    shot = SolvedShot(inputs=inputs, poses=pipeline.solve_shot(seen, inputs, whole).subject)

    def render(frames: FrameRange) -> None:
        pipeline.render_range(shot, frames, out, state=None, on_frame=ignore_frames)

    render(few)
    line.send("ready")
    while (asked := line.recv()) is not None:
        stage, frames = asked
        if stage == "pose":
            pipeline.pose_range(plate, frames, settings=settings, on_frame=ignore_frames)
        else:
            render(frames)
        line.send("done")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="96 frames, three rounds")
    parser.add_argument("--frames", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=5)
    return parser


if __name__ == "__main__":
    main()
