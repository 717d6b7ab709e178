"""Where a job's time goes that is not pixels: start-up, warm-up, tail, assembly.

    python bench/waste.py [--frames 96] [--workers 2] [--shards 4] [--runtime ray]

One cold job on a farm of its own, every part named; then what loading the models costs a process.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from farm_job import JobTimes, run_job
from findings import Findings
from plates import stage_plate

from bodyswap.nets.checkpoint import load_card
from bodyswap.subjects import packaged_subjects
from cluster.jobs.job import Stage

_LOADING = """
import time; t = time.perf_counter()
import torch; torch.set_num_threads(1)
from bodyswap.pipeline import Pipeline
from bodyswap.config import RenderSettings
from bodyswap.subjects import packaged_subjects
from bodyswap.passes.warm import Warm
print(time.perf_counter() - t); t = time.perf_counter()
Warm().seers(RenderSettings())
print(time.perf_counter() - t); t = time.perf_counter()
Warm().renderer(packaged_subjects()['vega'], RenderSettings(), None)
print(time.perf_counter() - t)
"""


def main() -> None:
    options = _parser().parse_args()
    findings = Findings("waste", vars(options))
    with tempfile.TemporaryDirectory() as name:
        plate = stage_plate(Path(name) / "plate.mp4", options.frames, size=512)
        times = run_job(
            plate, Path(name) / "store", runtime=options.runtime,
            workers=options.workers, shards=options.shards,
        )  # fmt: skip
    _tell(findings, times, options)
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _LOADING], capture_output=True, text=True, check=True
    ).stdout.split()[-3:]
    for what, seconds in zip(("importing", "the pose model", "the subject"), told, strict=True):
        findings.add(f"a process: {what}", float(seconds), "s")
    findings.keep()


def _tell(findings: Findings, times: JobTimes, options: argparse.Namespace) -> None:
    frames, workers = options.frames, options.workers
    findings.add("submit", times.submitted_s, "s")
    findings.add("starting Ray", times.crew_s - times.submitted_s, "s")
    findings.add("planning and hiring, to the first order", times.first_order_s - times.crew_s, "s")
    first = times.first_frame_s[Stage.POSE] - times.first_order_s
    findings.add("loading, to the first frames posed", first, "s")
    findings.add("from submit to the first frame rendered", times.first_frame_s[Stage.RENDER], "s")
    for stage in Stage:
        wall_s = times.ended_s[stage] - times.began_s[stage]
        findings.add(f"{stage}: wall", wall_s, "s")
        findings.add(f"{stage}: a worker's time", 1000 * times.work_s[stage] / frames, "ms/frame")
        if stage in (Stage.POSE, Stage.RENDER):
            share = 1 - times.work_s[stage] / (workers * wall_s)
            findings.add(f"{stage}: workers idle", 100 * share, "% of stage")
            last = times.worker_ended_s[stage].values()
            findings.add(
                f"{stage}: tail, the first done before the last", max(last) - min(last), "s"
            )
    networks_s = sum(times.step_s[str(stage)] for stage in (Stage.POSE, Stage.RENDER))
    walls_s = sum(times.ended_s[one] - times.began_s[one] for one in (Stage.POSE, Stage.RENDER))
    findings.add("networks' own time over both passes", networks_s / workers / walls_s)
    findings.add("networks' own time over the whole job", networks_s / workers / times.published_s)
    warm_up = load_card(packaged_subjects()["vega"]).warmup_frames
    again = warm_up * (options.shards - 1)
    findings.add("warm-up frames of those rendered", 100 * again / (frames + again), "%")
    rest_s = times.published_s - times.ended_s[Stage.ASSEMBLE]
    findings.add("publishing", rest_s, "s")
    findings.add("the whole job", times.published_s, "s")
    for step, seconds in sorted(times.step_s.items()):
        findings.add(f"step {step}", 1000 * seconds / frames, "ms/frame")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=96)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--runtime", default="ray", choices=["ray", "inline"])
    return parser


if __name__ == "__main__":
    main()
