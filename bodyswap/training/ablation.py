"""Trains recipes on the same footage for the same number of updates, and tabulates what each gave.

    python -m bodyswap.training.ablation me.mp4@1001-1850 --subject me --hold-out 1751-1850 \\
        --updates 1600 --vgg vgg16.pth --weights lpips/ --out out/ablation

It does not know what the recipes change. A recipe whose subject is there already is only measured.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from bodyswap.device import choose_device
from bodyswap.frames import RGB
from bodyswap.nets.card import Origin
from bodyswap.nets.checkpoint import Subject, load_subject
from bodyswap.quality.lpips import Lpips, load_lpips
from bodyswap.quality.metrics import FrameQuality, compare
from bodyswap.rights.training_door import permit_training
from bodyswap.train import TrainingRequest, footage_hashes, prepare
from bodyswap.training.config import TrainingConfig
from bodyswap.training.contraction import measure_contraction
from bodyswap.training.footage import SubjectFootage
from bodyswap.training.footage_cache import FootageCache
from bodyswap.training.loop import SUBJECT, Progress, train_subject
from bodyswap.training.rollout import roll_out
from bodyswap.training.settings import TrainSettings

RECIPES = ("pix2pixhd", "matte", "temporal", "contraction", "full")
_COLUMNS = (
    "recipe", "PSNR dB", "SSIM", "LPIPS", "warping error", "tOF px", "flicker", "face SSIM",
    "warm-up frames", "seconds",
)  # fmt: skip
_STRIP_FRAMES = 6


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a recipe came to on the held-out frames."""

    recipe: str
    seconds: float
    warmup_frames: int | None
    quality: FrameQuality


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and measure each recipe; the table goes to stdout, strips into the out folder.

    Raises:
        ConsentError: nobody's consent covers training on this footage.
    """
    options = _parser().parse_args(arguments)
    request = TrainingRequest(
        footage=tuple(options.footage), subject=options.subject, consent=options.consent,
        hold_out=tuple(options.hold_out), height=options.height, settings=TrainSettings(),
    )  # fmt: skip
    consent = permit_training(options.subject, footage_hashes(request), options.consent)
    cache = FootageCache(options.out / "footage")
    prepared = prepare(request, cache, on_pose=lambda done, total: None)
    held_out, device = prepared.held_out, choose_device(options.device)
    lpips = None if options.weights is None else load_lpips(options.weights)
    outcomes, rows = [], [_row(held_out.rgb_NHW3)]
    for recipe in options.recipes:
        folder = options.out / recipe / SUBJECT
        if not folder.is_dir():
            train_subject(
                prepared.training,
                training_of(recipe, options.updates, options.vgg),
                options.out / recipe,
                origin=Origin(
                    subject=recipe,
                    consent=consent,
                    footage_sha256=prepared.footage_sha256,
                ),
                stance=prepared.stance,
                on_progress=lambda progress, name=recipe: _tell(name, progress),  # type: ignore[misc]  # the name is bound now
                samples_of=held_out,
                device=device,
            )
        outcome, frames = measure(load_subject(folder, device), recipe, held_out, lpips)
        outcomes.append(outcome)
        rows.append(_row(frames))
    Image.fromarray(np.concatenate(rows)).save(options.out / "strips.png")
    print(table(outcomes))  # noqa: T201  # the table is the result


def training_of(recipe: str, updates: int, vgg: Path | None) -> TrainingConfig:
    """The recipe's training, for so many updates of the generator, however long that takes."""
    chosen = {"minutes": None} | ({} if vgg is None else {"vgg_weights": vgg})
    training = TrainSettings.choose(recipe=recipe, chosen=chosen, changes=()).training
    return replace(training, steps=max(1, updates // training.sequence))


def measure(
    subject: Subject, recipe: str, held_out: SubjectFootage, lpips: Lpips | None
) -> tuple[Outcome, RGB]:
    """The recipe's figures on footage it was not trained on, and its frames."""
    device = next(subject.generator.parameters()).device
    frames = roll_out(subject.generator, held_out.poses, subject.background_HW3, device).rgb_NHW3
    report = compare(frames, held_out.rgb_NHW3, lpips, poses=held_out.poses)
    outcome = Outcome(
        recipe=recipe,
        seconds=subject.card.training.seconds,
        warmup_frames=measure_contraction(subject.generator, held_out, device=device).warmup_frames,
        quality=report.mean,
    )
    return outcome, frames


def table(outcomes: Sequence[Outcome]) -> str:
    """Markdown, a row a recipe."""
    lines = [
        f"| {' | '.join(_COLUMNS)} |",
        "|---" * len(_COLUMNS) + "|",
    ]
    for each in outcomes:
        mean = each.quality
        cells = (
            each.recipe, f"{mean.psnr_db:.2f}", f"{mean.ssim:.4f}", _cell(mean.lpips),
            _cell(mean.warping_error), _cell(mean.tof_px), _cell(mean.flicker),
            _cell(mean.face_ssim), str(each.warmup_frames or "never"), f"{each.seconds:.0f}",
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _row(frames_NHW3: RGB) -> RGB:
    picked = np.linspace(0, len(frames_NHW3) - 1, _STRIP_FRAMES).round().astype(int)
    return np.concatenate(list(frames_NHW3[picked]), axis=1)


def _tell(recipe: str, progress: Progress) -> None:
    if progress.step % 20 == 0:
        told = f"{recipe}: step {progress.step} of {progress.total_steps}"
        print(told, file=sys.stderr, flush=True)  # noqa: T201  # progress


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bodyswap.training.ablation")
    parser.add_argument("footage", nargs="+", help="clips; clip.mp4@1001-1850 is a part of one")
    parser.add_argument("--subject", required=True, help="whom the footage shows")
    parser.add_argument("--hold-out", nargs="+", default=(), help="frames only to measure with")
    parser.add_argument("--consent", help="the person's consent record")
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--updates", type=int, default=1600, help="of the generator, each recipe")
    parser.add_argument("--vgg", type=Path, help="VGG-16 weights for the perceptual loss")
    parser.add_argument("--weights", type=Path, help="folder of LPIPS weights")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--recipes", nargs="+", default=RECIPES)
    parser.add_argument("--out", type=Path, default=Path("out/ablation"))
    return parser


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
