"""What makes the generator cheaper without training it anew, each with what it does to quality.

    python bench/network_cost.py [--quick] [--frames 72] [--motion dance_b]

- cropped (`--set crop=true`): the network sees a window around the performer. Against the truth of
  the stage, beside the whole picture, with what a cold start leaves at a join.
- reused: how many frames have the pose and the past of the frame before, and so its picture.
- batched: independent shards or performers rendered as one batch of 2 and 4.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from findings import Findings, ratio, turns
from plates import stage_plate
from torch import Tensor

from bodyswap.config import EngineName, RenderSettings
from bodyswap.engines.engine import build_engine
from bodyswap.frames import RGB
from bodyswap.nets.checkpoint import Subject, load_subject
from bodyswap.nets.painter import Paint, painter
from bodyswap.nets.window import WindowedPaint, window_for
from bodyswap.overlap import ignore_frames
from bodyswap.passes.mending import score_join
from bodyswap.passes.shot_inputs import ShotInputs
from bodyswap.people import PoseSequence
from bodyswap.pipeline import Pipeline
from bodyswap.quality.stage_drive import drive, pictures, plate_of
from bodyswap.quality.stage_transfer import film_transfer, stage_motion, stage_performer
from bodyswap.render import BoundaryState, Renderer
from bodyswap.subjects import packaged_subjects
from bodyswap.timing import FrameRange

CPU = torch.device("cpu")


def main() -> None:
    options = _parser().parse_args()
    torch.set_num_threads(1)
    count = 24 if options.quick else options.frames
    findings = Findings("network_cost", {"frames": count, "motion": options.motion})
    subject = load_subject(packaged_subjects()["vega"], CPU)
    card = subject.card
    transfer = film_transfer(
        stage_performer("rex"), stage_performer("vega"), stage_motion(options.motion, count),
        plate_px=card.height, subject_size=(card.width, card.height),
    )  # fmt: skip
    poses = drive(transfer.driving_poses, plate_of(transfer.driver.rgb_NHW3), card.stance)
    _cropped(findings, subject, poses, np.asarray(transfer.truth.rgb_NHW3))
    _reused(findings, subject, poses, options.plate)
    _batched(findings, subject, 5 if options.quick else 15)
    findings.keep()


def _cropped(findings: Findings, subject: Subject, poses: PoseSequence, truth_NHW3: RGB) -> None:
    card, step = subject.card, subject.generator.config.side_step
    size = {"height": card.height, "width": card.width}
    window = window_for(poses, **size, step=step)
    within = painter(
        subject.generator, EngineName.AUTO, height=window.rows, width=window.columns, device=CPU
    )
    ways = {
        "whole": painter(subject.generator, EngineName.AUTO, **size, device=CPU),
        "cropped": WindowedPaint(within, window, step=step),
    }
    made, took = {}, {}
    for name, paint in ways.items():
        made[name], took[name] = _timed(subject, poses, paint)
        findings.add(f"{name}: against the truth", _psnr_db(made[name], truth_NHW3), "dB")
        steps, true_steps = (
            np.diff(each.astype(np.float32), axis=0) for each in (made[name], truth_NHW3)
        )
        off = float(np.abs(steps - true_steps[: len(steps)]).mean())
        findings.add(f"{name}: from frame to frame, off the truth", off, "levels")
        join = _cold_start(subject, poses, paint, made[name])
        findings.add(f"{name}: largest block at a join", join, "levels")
    note = f"{window.columns}x{window.rows} of {card.width}x{card.height}"
    findings.add("cropped: as fast as whole", ratio(took["whole"], took["cropped"]), "x", note)


def _cold_start(subject: Subject, poses: PoseSequence, paint: Paint, made_NHW3: RGB) -> float:
    """What a shard begun in the middle, warmed up as the card says, differs by where it joins."""
    at = len(made_NHW3) * 2 // 3
    begun = Renderer(subject, CPU, paint)
    frames = FrameRange(start=at, stop=at + 1)
    list(begun.render(poses, frames, warmup_frames=subject.card.warmup_frames))
    went_on = BoundaryState(previous_HW3=made_NHW3[at])
    return score_join(went_on, begun.state).block


def _timed(subject: Subject, poses: PoseSequence, paint: Paint) -> tuple[RGB, list[float]]:
    made, took = [], []
    frames = pictures(Renderer(subject, CPU, paint), poses, poses.frames)
    for _ in poses.frames:
        began = time.perf_counter()
        made.append(next(frames))
        took.append(time.perf_counter() - began)
    return np.stack(made), took[3:]


def _psnr_db(made_NHW3: RGB, truth_NHW3: RGB) -> float:
    off = made_NHW3.astype(np.float32) - truth_NHW3[: len(made_NHW3)]
    return float(-10 * np.log10(np.mean(off**2) / 255**2))


def _reused(findings: Findings, subject: Subject, poses: PoseSequence, plate: Path | None) -> None:
    with tempfile.TemporaryDirectory() as name:
        found = _share_reused(
            subject, _posed(plate or stage_plate(Path(name) / "p.mp4", 72, size=256))
        )
    findings.add(f"reused: {plate.name if plate else 'the stage'}", 100 * found, "% of frames")
    count = len(poses.frames)
    held = replace(
        poses,
        keypoints_NK2=np.repeat(poses.keypoints_NK2[:1], count, axis=0),
        confidence_NK=np.repeat(poses.confidence_NK[:1], count, axis=0),
    )
    findings.add("reused: a held pose", 100 * _share_reused(subject, held), "% of frames")


def _posed(plate: Path) -> PoseSequence:
    pipeline, settings = Pipeline(), RenderSettings()
    frames = FrameRange(start=0, stop=72)
    seen = pipeline.pose_range(plate, frames, settings=settings, on_frame=ignore_frames)
    shot = ShotInputs(plate=plate, subject=packaged_subjects()["vega"], settings=settings)
    return pipeline.solve_shot(seen, shot, frames).subject


def _share_reused(subject: Subject, poses: PoseSequence) -> float:
    """Of all frames, those that could be another's again."""
    size = {"height": subject.card.height, "width": subject.card.width}
    paint = painter(subject.generator, EngineName.AUTO, **size, device=CPU)
    before, same = None, 0
    past: RGB | None = None
    for row, picture in enumerate(pictures(Renderer(subject, CPU, paint), poses, poses.frames)):
        now = (poses.keypoints_NK2[row].tobytes(), poses.confidence_NK[row].tobytes(),
               None if past is None else past.tobytes())  # fmt: skip
        same += now == before
        before, past = now, picture
    return same / len(poses.frames)


def _batched(findings: Findings, subject: Subject, rounds: int) -> None:
    config, card = subject.generator.config, subject.card

    def run(batch: int) -> Callable[[], object]:
        pose_BLHW = torch.rand(batch, config.pose_channels, card.height, card.width)
        previous_B3HW = torch.rand(batch, 3, card.height, card.width) * 2 - 1
        given = pose_BLHW, previous_B3HW
        engine = build_engine(EngineName.OPENVINO, _Trunk(subject), given)
        return lambda: engine(*given)

    took = turns({str(batch): run(batch) for batch in (1, 2, 4)}, rounds=rounds)
    single = took["1"]
    for batch in (2, 4):
        each = [seconds / batch for seconds in took[str(batch)]]
        findings.add(f"a batch of {batch}, a frame", 1000 * statistics.median(each), "ms")
        findings.add(f"a batch of {batch}, as fast as single frames", ratio(single, each), "x")


class _Trunk(torch.nn.Module):
    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.generator = subject.generator

    def forward(self, pose_BLHW: Tensor, previous_B3HW: Tensor) -> tuple[Tensor, Tensor]:
        output = self.generator.trunk(pose_BLHW, previous_B3HW)
        return output.rgb_B3HW, output.matte_B1HW


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="24 frames")
    parser.add_argument("--frames", type=int, default=72)
    parser.add_argument("--motion", default="dance_b")
    parser.add_argument("--plate", type=Path, help="footage for reuse; else the stage")
    return parser


if __name__ == "__main__":
    main()
