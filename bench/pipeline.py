"""Seconds and memory of each step of a shot, on this machine: `make bench`.

Figures are medians of three, and noisy; compare them within one run.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from findings import Findings, peak_mib

from bodyswap.config import RenderSettings
from bodyswap.decode import decode
from bodyswap.encode import CODECS, encode
from bodyswap.media.index import index_clip
from bodyswap.passes.shot_inputs import ShotInputs, SolvedShot
from bodyswap.pipeline import Pipeline
from bodyswap.stage.cast import REX
from bodyswap.stage.render import Shot, film
from bodyswap.subjects import packaged_subjects
from bodyswap.timing import FrameRange
from cluster.cli.demo import demo_motion, write_film

COUNT = 48
ROUNDS = 3
FINDINGS = Findings("pipeline", {"frames": COUNT})


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        motion = demo_motion()
        motion = motion.at(motion.time_T[:COUNT])
        _show("film the stage, 512x512", lambda: list(film(REX, motion, Shot())), rounds=1)
        plate = folder / "plate.mp4"
        write_film(REX, motion, plate, size=512)
        clip = index_clip(plate)
        _show("decode, 512x512", lambda: list(decode(clip, clip.frames)))
        pictures = [picture for batch in decode(clip, clip.frames) for picture in batch.rgb_NHW3]
        for codec in CODECS.values():
            out = folder / f"{codec.name}.mp4"

            def write(out: Path = out, codec: str = codec.name) -> None:
                encode(
                    pictures, out, timeline=clip.timeline, frames=clip.frames, codec=CODECS[codec]
                )

            _show(f"encode {codec.name}, 512x512", write)
        _bench_passes(plate, clip.frames, folder)
    FINDINGS.add("peak memory", peak_mib(), "MiB")
    FINDINGS.keep()


def _bench_passes(plate: Path, frames: FrameRange, folder: Path) -> None:
    pipeline, settings = Pipeline(), RenderSettings()
    subject = packaged_subjects()["vega"]
    first = frames.start, frames.start + 1

    def pose(wanted: FrameRange) -> None:
        pipeline.pose_range(plate, wanted, settings=settings, on_frame=_ignore)

    _show("load the pose model", lambda: pose(FrameRange(start=first[0], stop=first[1])), 1, 1)
    _show("pose pass, 512x512", lambda: pose(frames))
    detections = pipeline.pose_range(plate, frames, settings=settings, on_frame=_ignore)
    inputs = ShotInputs(plate=plate, subject=subject, settings=settings)
    _show("solve", lambda: pipeline.solve_shot(detections, inputs, frames))
    shot = SolvedShot(inputs=inputs, poses=pipeline.solve_shot(detections, inputs, frames).subject)

    def render() -> None:
        pipeline.render_range(shot, frames, folder / "shot.mp4", state=None, on_frame=_ignore)

    _show("render pass, 256x256", render)


def _show(what: str, work: Callable[[], object], rounds: int = ROUNDS, count: int = COUNT) -> None:
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    middle = statistics.median(took)
    spread = np.ptp(took) / middle * 100
    FINDINGS.add(what, middle / count * 1000, "ms/frame", f"(+-{spread / 2:.0f} %)")


def _ignore(_done: int) -> None:
    return


if __name__ == "__main__":
    main()
