"""What a user would otherwise pick, on the same work in the same run: one table.

    python bench/peers.py [--quick] [--frames 240] [--rounds 5] [--only pose loop ffmpeg ray]

Peers take turns with the project. What cannot be had here is named and left out. MMPose's own
inference loop is in pose_speed.py.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from findings import Findings, ratio, turns
from peers.getting import MissingError
from plates import stage_plate

from bodyswap.config import EngineName, RenderSettings
from bodyswap.decode import decode
from bodyswap.encode import CODECS, encode
from bodyswap.media.index import index_clip
from bodyswap.nets.checkpoint import load_subject
from bodyswap.overlap import Overlap, ignore_frames
from bodyswap.passes.shot_inputs import ShotInputs, SolvedShot
from bodyswap.passes.warm import Warm
from bodyswap.people import PoseSequence
from bodyswap.pipeline import Pipeline
from bodyswap.subjects import packaged_subjects
from bodyswap.timing import FrameRange

SUBJECT = packaged_subjects()["vega"]
POSE_FRAMES = 24


class Job:
    """The work all are measured on: a plate of the stage, its poses, a folder to write to."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count = folder, count
        self.frames = FrameRange(start=0, stop=count)
        self.plate = stage_plate(folder / "plate.mp4", count, size=512)
        self.pipeline = Pipeline(Overlap(frames=8))

    def poses(self) -> PoseSequence:
        settings = RenderSettings()
        seen = self.pipeline.pose_range(
            self.plate, self.frames, settings=settings, on_frame=ignore_frames
        )
        return self.pipeline.solve_shot(seen, self.inputs(settings), self.frames).subject

    def inputs(self, settings: RenderSettings) -> ShotInputs:
        return ShotInputs(plate=self.plate, subject=SUBJECT, settings=settings)


def main() -> None:
    options = _parser().parse_args()
    torch.set_num_threads(1)
    count, rounds = (96, 3) if options.quick else (options.frames, options.rounds)
    findings = Findings("peers", {"frames": count, "rounds": rounds})
    with tempfile.TemporaryDirectory() as name:
        job = Job(Path(name), count)
        for what in options.only:
            try:
                PARTS[what](job, findings, rounds)
            except MissingError as error:
                findings.lacks(what, str(error))
    findings.keep()


def _pose(job: Job, findings: Findings, rounds: int) -> None:
    from peers.rtmlib_pose import RtmlibPose

    from bodyswap.keypoints.boxes import pose_box
    from bodyswap.keypoints.estimator import build_estimator

    model = RenderSettings().pose.model
    theirs = RtmlibPose(model, job.folder)
    ours = build_estimator(model, torch.device("cpu"), flip=False, engine=EngineName.AUTO)
    clip = index_clip(job.plate)
    few = FrameRange(start=0, stop=min(POSE_FRAMES, job.count))
    (batch,) = decode(clip, few, batch_frames=POSE_FRAMES)
    seen = job.pipeline.pose_range(
        job.plate, few, settings=RenderSettings(), on_frame=ignore_frames
    )
    row_N = [int(np.flatnonzero(seen.frame_M == index)[0]) for index in few]
    box_N4 = np.stack([pose_box(seen.keypoints_MK2[m], seen.confidence_MK[m]) for m in row_N])
    numbers = np.arange(len(few))
    found: dict[str, object] = {}

    def run_ours() -> None:
        found["ours"] = ours.estimate(batch.rgb_NHW3, numbers, box_N4, closely=True).keypoints_MK2

    def run_theirs() -> None:
        pairs = zip(batch.rgb_NHW3, box_N4, strict=True)
        found["theirs"] = np.stack([theirs(picture, box_4) for picture, box_4 in pairs])

    took = turns({"this": run_ours, "rtmlib": run_theirs}, rounds=max(rounds, 5))
    for name, seconds in took.items():
        findings.add(f"pose, {name}", len(few) / statistics.median(seconds), "looks/s")
    findings.add("pose, this against rtmlib", ratio(took["rtmlib"], took["this"]), "x")
    off = np.linalg.norm(np.asarray(found["ours"]) - np.asarray(found["theirs"]), axis=-1)
    sure = seen.confidence_MK[row_N] >= 0.5
    findings.add(
        "pose, joints apart from rtmlib's, 95th", float(np.percentile(off[sure], 95)), "px"
    )


def _loop(job: Job, findings: Findings, rounds: int) -> None:
    from peers.eager_loop import render

    poses, settings = job.poses(), RenderSettings()
    subject = load_subject(SUBJECT, torch.device("cpu"))
    count = min(job.count, 96)
    frames, out = FrameRange(start=0, stop=count), job.folder / "ours.mp4"
    made = []

    def run_ours() -> None:
        shot = SolvedShot(inputs=job.inputs(settings), poses=poses)
        job.pipeline.render_range(shot, frames, out, state=None, on_frame=ignore_frames)

    def run_theirs() -> None:
        made[:] = render(subject, poses, count, job.folder / "theirs.mp4")

    took = turns({"this": run_ours, "plain eager loop": run_theirs}, rounds=rounds)
    for name, seconds in took.items():
        findings.add(f"render, {name}", count / statistics.median(seconds), "frames/s")
    findings.add(
        "render, this against the eager loop", ratio(took["plain eager loop"], took["this"]), "x"
    )
    renderer = Warm().renderer(SUBJECT, settings, poses)
    ours = [frame.over_own_HW3 for frame in renderer.render(poses, frames, warmup_frames=0)]
    apart = np.abs(np.stack(ours).astype(np.float32) - np.stack(made).astype(np.float32))
    findings.add("render, apart from the eager loop's, mean", float(apart.mean()), "levels")


def _ffmpeg(job: Job, findings: Findings, rounds: int) -> None:
    from peers.ffmpeg_alone import transcode

    clip, out = index_clip(job.plate), job.folder / "coded.mp4"

    def ours(overlap: Overlap) -> None:
        decoded = (p for batch in decode(clip, clip.frames) for p in batch.rgb_NHW3)
        with overlap.ahead(decoded) as pictures:
            encode(pictures, out, timeline=clip.timeline, frames=clip.frames, codec=CODECS["h264"])

    runs: dict[str, Callable[[], object]] = {
        "this": partial(ours, Overlap(frames=8)),
        "ffmpeg": partial(transcode, job.plate, job.folder / "theirs.mp4", through_rgb=False),
        "ffmpeg through RGB": partial(
            transcode, job.plate, job.folder / "theirs.mp4", through_rgb=True
        ),
    }
    took = turns(runs, rounds=max(rounds, 5))
    for name, seconds in took.items():
        findings.add(
            f"decode and encode, {name}", job.count / statistics.median(seconds), "frames/s"
        )
    for name in list(runs)[1:]:
        findings.add(
            f"decode and encode, this against {name}", ratio(took[name], took["this"]), "x"
        )


def _ray(job: Job, findings: Findings, rounds: int) -> None:
    """Whole jobs, cold: each in processes of its own, start-up included."""
    script = (
        "import sys, pathlib; from peers.ray_data import run; p = pathlib.Path; "
        "run(p(sys.argv[1]), int(sys.argv[2]), p(sys.argv[3]), p(sys.argv[4]))"
    )
    theirs = [sys.executable, "-W", "ignore", "-c", script, str(job.plate), str(job.count),
              str(SUBJECT), str(job.folder / "ray.mp4")]  # fmt: skip
    took: dict[str, list[float]] = {"this farm on Ray": [], "Ray Data": []}
    for number in range(max(1, rounds // 2)):
        ours = [sys.executable, "-W", "ignore", "farm_job.py", str(job.plate),
                str(job.folder / f"store-{number}"), "--workers", "1"]  # fmt: skip
        for name, command in (("this farm on Ray", ours), ("Ray Data", theirs)):
            took[name].append(_timed(command))
    for name, seconds in took.items():
        findings.add(f"whole job, {name}", statistics.median(seconds), "s")
    against = ratio(took["Ray Data"], took["this farm on Ray"])
    findings.add("whole job, this farm against Ray Data", against, "x")


def _timed(command: list[str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent
    )
    if done.returncode:
        raise MissingError((done.stderr.strip().splitlines() or ["it said nothing"])[-1][:200])
    return time.perf_counter() - began


PARTS: dict[str, Callable[[Job, Findings, int], None]] = {
    "pose": _pose, "loop": _loop, "ffmpeg": _ffmpeg, "ray": _ray,
}  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="96 frames, three rounds")
    parser.add_argument("--frames", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    return parser


if __name__ == "__main__":
    main()
