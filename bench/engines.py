"""What each engine costs and changes, side by side: the table that `engine: auto` is chosen from.

    python bench/engines.py [--threads 1] [--frames 60]

The packaged vega does a motion of the stage, recurrently, by one engine after another, taking
turns frame by frame so that all meet the same machine. Medians; ratios are to PyTorch's own.
Engines that are not installed here are named and left out.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from findings import Findings, ratio

from bodyswap.config import EngineName
from bodyswap.errors import EngineError
from bodyswap.frames import RGB
from bodyswap.nets.checkpoint import Subject, load_subject
from bodyswap.nets.painter import painter
from bodyswap.people import PoseSequence
from bodyswap.quality.stage_drive import drive, pictures, plate_of
from bodyswap.quality.stage_transfer import film_transfer, stage_motion, stage_performer
from bodyswap.render import Renderer
from bodyswap.subjects import packaged_subjects

SETTLED = 3
"""Frames before the clock is read: proofs, graphs and caches."""


@dataclass
class Run:
    """One engine on its way through the motion."""

    name: EngineName
    pictures: Iterator[RGB]
    ready_s: float
    took_s: list[float] = field(default_factory=list)
    made: list[RGB] = field(default_factory=list)

    def step(self) -> None:
        began = time.perf_counter()
        picture_HW3 = next(self.pictures)
        self.took_s.append(time.perf_counter() - began)
        self.made.append(picture_HW3)


def main() -> None:
    options = _parser().parse_args()
    torch.set_num_threads(options.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    subject = load_subject(packaged_subjects()["vega"], device)
    card = subject.card
    transfer = film_transfer(
        stage_performer("rex"), stage_performer("vega"), stage_motion("dance_b", options.frames),
        plate_px=card.height, subject_size=(card.width, card.height),
    )  # fmt: skip
    plate = plate_of(transfer.driver.rgb_NHW3)
    poses = drive(transfer.driving_poses, plate, card.stance)
    runs = [run for name in EngineName if (run := _run(name, subject, poses, device))]
    for _ in range(len(poses.frames)):
        for run in runs:
            run.step()
    findings = Findings("engines", {
        "size": f"{card.width}x{card.height}", "device": str(device),
        "threads": options.threads, "frames": options.frames,
    })  # fmt: skip
    eager = next(run for run in runs if run.name is EngineName.EAGER)
    for run in runs:
        _tell(findings, run, eager, transfer.truth.rgb_NHW3)
    for name, why in _MISSING.items():
        findings.lacks(name, why)
    findings.keep()


_MISSING: dict[str, str] = {}
"""Engines that cannot be had here, and why."""


def _run(
    name: EngineName, subject: Subject, poses: PoseSequence, device: torch.device
) -> Run | None:
    size = {"height": subject.card.height, "width": subject.card.width}
    began = time.perf_counter()
    try:
        paint = painter(subject.generator, name, **size, device=device)
        renderer = Renderer(subject, device, paint)
        next(pictures(renderer, poses, poses.frames))
    except EngineError as error:
        _MISSING[name] = str(error)
        return None
    ready_s = time.perf_counter() - began
    return Run(name=name, pictures=pictures(renderer, poses, poses.frames), ready_s=ready_s)


def _tell(findings: Findings, run: Run, eager: Run, truth_NHW3: RGB) -> None:
    mine_s, eager_s = run.took_s[SETTLED:], eager.took_s[SETTLED:]
    mine, theirs = (np.stack(each.made).astype(np.float32) for each in (run, eager))
    apart = np.abs(mine - theirs)
    psnr_db = -10 * np.log10(np.mean((mine - truth_NHW3[: len(mine)]) ** 2) / 255**2)
    findings.add(f"{run.name}", statistics.median(mine_s) * 1000, "ms/frame")
    findings.add(f"{run.name}, against eager", ratio(eager_s, mine_s), "x")
    note = f"p99.9 {np.percentile(apart, 99.9):.0f}, most {apart.max():.0f}"
    findings.add(f"{run.name}, apart from eager's", float(apart.mean()), "levels", note)
    findings.add(f"{run.name}, against the truth", float(psnr_db), "dB")
    findings.add(f"{run.name}, first frame after", run.ready_s, "s")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--frames", type=int, default=60)
    return parser


if __name__ == "__main__":
    main()
