"""Replacement on the stage, where the truth is known: matte, clean plate and composite errors.

    python -m bodyswap.quality.replace_report --driver rex --subject vega --motion walk

A driver is filmed, and the subject doing the same with the same camera: the second film is what a
perfect replacement would show. Poses are exact, so that only replacing is measured.
It does not know the generator: the subject's own pictures are laid in.
Shape letters: N frames, H rows, W columns, 3 = red, green, blue.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from bodyswap.frames import RGB, RenderedFrame
from bodyswap.quality.comparison import write_picture
from bodyswap.quality.stage_transfer import (
    StageTransfer,
    film_transfer,
    stage_motion,
    stage_performer,
)
from bodyswap.replacing.lay import Laid, lay
from bodyswap.replacing.make import Swap, make_recipe
from bodyswap.stage.render import Shot, empty_set
from bodyswap.terminal import say

_PLATE_PX = 320
_GRAIN_LEVELS = 2.0


@dataclass(frozen=True, kw_only=True)
class ReplaceScores:
    """Means over frames; levels are of 255.

    `matte_sad` is the sum of absolute differences from the exact matte, as a share of it;
    `matte_flicker` how much that error changes from frame to frame, alike. `remains` is the share
    of the performer that is not removed. `clean_error` is over what was ever removed;
    `composite_error` over what was touched, and `plate_error` the plate's own there: nothing done.
    """

    driver: str
    motion: str
    frames: int
    matte_sad: float
    matte_flicker: float
    remains: float
    clean_error: float
    clean_seen: float
    composite_error: float
    plate_error: float
    differing_outside: int


def measure_replacement(transfer: StageTransfer, *, driver: str) -> tuple[ReplaceScores, list[RGB]]:
    """The scores, and for three frames: plate, replaced, truth side by side."""
    filmed_NHW3 = transfer.driver.rgb_NHW3
    plate_NHW3 = _grainy(filmed_NHW3)
    empty_HW3 = empty_set(Shot(width=filmed_NHW3.shape[2], height=filmed_NHW3.shape[1]))
    swap = Swap(
        performer=transfer.driving_poses, subject=transfer.true_poses, background_HW3=empty_HW3
    )
    recipe = make_recipe([swap], None, lambda index: np.asarray(plate_NHW3[index], np.uint8))
    truth = transfer.truth
    laid = [
        lay(RenderedFrame(rgb_HW3=truth.rgb_NHW3[i], matte_HW=truth.matte_NHW[i], index=i),
            plate_NHW3[i], recipe)
        for i in range(len(transfer))
    ]  # fmt: skip
    exact_NHW = transfer.driver.matte_NHW
    off_NHW = np.stack([each.performer_HW for each in laid]) - exact_NHW
    area = float(exact_NHW.sum(axis=(1, 2)).mean())
    removed_NHW = np.stack([each.removed_HW for each in laid])
    ever_HW = (removed_NHW > 0.5).any(axis=0)
    clean = recipe.scenes[0].clean
    clean_off = np.abs(clean.rgb_HW3.astype(np.float32) - empty_HW3).mean(axis=2)
    scores = ReplaceScores(
        driver=driver,
        motion=transfer.name,
        frames=len(transfer),
        matte_sad=float(np.abs(off_NHW).sum(axis=(1, 2)).mean()) / area,
        matte_flicker=float(np.abs(np.diff(off_NHW, axis=0)).sum(axis=(1, 2)).mean()) / area,
        remains=float((exact_NHW * (1 - removed_NHW)).sum() / exact_NHW.sum()),
        clean_error=float(clean_off[ever_HW].mean()),
        clean_seen=float(clean.seen_HW[ever_HW].mean()),
        composite_error=_error(laid, truth.rgb_NHW3),
        plate_error=_error(laid, truth.rgb_NHW3, plate_NHW3),
        differing_outside=_untouched_and_differing(laid, plate_NHW3),
    )
    rows = [
        np.concatenate([plate_NHW3[i], laid[i].rgb_HW3, truth.rgb_NHW3[i], clean.rgb_HW3], axis=1)
        for i in (0, len(laid) // 2, len(laid) - 1)
    ]
    return scores, rows


def _grainy(filmed_NHW3: RGB) -> RGB:
    random = np.random.default_rng(1)
    noisy = filmed_NHW3 + random.normal(0, _GRAIN_LEVELS, filmed_NHW3.shape)
    return np.asarray(np.rint(noisy.clip(0, 255)), np.uint8)


def _untouched_and_differing(laid: list[Laid], plate_NHW3: RGB) -> int:
    """Pixels that are not the plate's, and are said to be."""
    return sum(
        int(((each.rgb_HW3 != plate).any(axis=2) & ~each.touched_HW).sum())
        for each, plate in zip(laid, plate_NHW3, strict=True)
    )


def _error(laid: list[Laid], truth_NHW3: RGB, shown_NHW3: RGB | None = None) -> float:
    """How far what is shown is from the truth where it was touched; without pictures, as laid."""
    errors = []
    for index, (each, truth) in enumerate(zip(laid, truth_NHW3, strict=True)):
        shown = each.rgb_HW3 if shown_NHW3 is None else shown_NHW3[index]
        off_HW = np.abs(shown.astype(np.float32) - truth).mean(axis=2)
        errors.append(float(off_HW[each.touched_HW].mean()))
    return float(np.mean(errors))


def report(
    driver: Annotated[str, typer.Option(help="Who is filmed on the stage.")] = "rex",
    subject: Annotated[str, typer.Option(help="Who replaces them.")] = "vega",
    motion: Annotated[str, typer.Option(help="What they do.")] = "walk",
    frames: Annotated[int, typer.Option(min=2, help="How many frames of it.")] = 24,
    picture: Annotated[
        Path | None, typer.Option(help="Plate, replaced, truth and clean plate, as a PNG.")
    ] = None,
) -> None:
    """Score a replacement whose truth is known."""
    transfer = film_transfer(
        stage_performer(driver), stage_performer(subject), stage_motion(motion, frames),
        plate_px=_PLATE_PX, subject_size=(_PLATE_PX, _PLATE_PX),
    )  # fmt: skip
    scores, rows = measure_replacement(transfer, driver=driver)
    if picture is not None:
        write_picture(np.concatenate(rows), picture)
    say(json.dumps(asdict(scores), indent=1))


if __name__ == "__main__":
    typer.run(report)
