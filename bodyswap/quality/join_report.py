"""What warm-up does at joins: a shot rendered in parts, against the same shot rendered in one.

    python -m bodyswap.quality.join_report --subject vega --out out/join-report

Every part begins so many frames early, renders those from nothing and discards them. Told for each
number of warm-up frames: how far the first frame delivered after a join is from the undivided
render's, how far any frame is, and whether the joins show. It needs no truth, so any subject will
do; the driver is of the stage. It does not know the farm: nothing is encoded.
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bodyswap.device import choose_device
from bodyswap.errors import BodyswapError, UsageError
from bodyswap.frames import RGB
from bodyswap.nets.checkpoint import load_subject
from bodyswap.people import PoseSequence
from bodyswap.quality.joins import JoinQuality, measure_joins
from bodyswap.quality.metrics import compare, psnr_db
from bodyswap.quality.stage_drive import drive, pictures, plate_of
from bodyswap.quality.stage_transfer import exact_poses, stage_motion, stage_performer
from bodyswap.render import Renderer
from bodyswap.stage.mocap import Motion
from bodyswap.stage.render import Shot, render_performance
from bodyswap.subjects import find_local_subject
from bodyswap.timing import FrameRange

REPORT_FILE = "join-report.json"
WARMUPS = (0, 1, 2, 4, 8, 16)
MOTIONS = ("cartwheel", "spinkick", "backflip")
SHARD_FRAMES = 11
"""Far shorter than a farm's, for joins enough to tell their spread; none where motions meet."""


@dataclass(frozen=True, kw_only=True)
class JoinRow:
    """One number of warm-up frames. Differences from the undivided render are in grey levels.

    `first_*` are of the first frame after a join: `first_max` and `first_p99` the worst join's, the
    PSNR the worst and the median one's. `any_max` is of any frame. `ratio` is the warping error
    across a join over the undivided render's there: its mean, and standard deviation.
    `beside` is the error across a join over its neighbours' median, and `undivided_beside` the same
    of the undivided render: what the motion alone makes of it.
    """

    warmup_frames: int
    joins: int
    first_max: float
    first_p99: float
    first_worst_psnr_db: float
    first_median_psnr_db: float
    any_max: float
    ratio: float
    ratio_spread: float
    beside: float
    undivided_beside: float

    def to_dict(self) -> dict[str, float | None]:
        """Plain values; None for what is infinite or unknown, which JSON has no number for."""
        values: dict[str, float] = asdict(self)
        return {name: value if math.isfinite(value) else None for name, value in values.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Render the shot once whole and once for each number of warm-up frames; tell a table."""
    options = _parser().parse_args(arguments)
    try:
        rows = report_on(options)
    except BodyswapError as error:
        sys.exit(f"join_report: {error}")
    print(table(rows))  # noqa: T201  # the table is the result


def report_on(options: argparse.Namespace) -> list[JoinRow]:
    """Measure, and write the report into the out folder."""
    device = choose_device("auto")
    subject = load_subject(find_local_subject(options.subject), device)
    motion = _joined([stage_motion(name, options.frames) for name in options.motions])
    side = subject.card.height
    plate = render_performance(
        stage_performer(options.driver), motion, Shot(width=side, height=side)
    )
    poses = drive(exact_poses(plate), plate_of(plate.rgb_NHW3), subject.card.stance)
    renderer = Renderer(subject, device)
    whole_NHW3 = np.stack(list(pictures(renderer, poses, poses.frames)))
    rows = []
    for warmup_frames in options.warmups:
        parts = parts_of(poses.frames, options.shard_frames)
        divided_NHW3 = render_parts(renderer, poses, parts, warmup_frames)
        rows.append(compare_divided(divided_NHW3, whole_NHW3, parts, warmup_frames))
        print(f"{warmup_frames} warm-up frames: {rows[-1]}", file=sys.stderr)  # noqa: T201  # progress
    options.out.mkdir(parents=True, exist_ok=True)
    told = {"subject": subject.card.name, "shard_frames": options.shard_frames,
            "frames": len(poses), "warmups": [row.to_dict() for row in rows]}  # fmt: skip
    (options.out / REPORT_FILE).write_text(json.dumps(told, indent=1) + "\n")
    return rows


def parts_of(frames: FrameRange, shard_frames: int) -> list[FrameRange]:
    """The range in parts of `shard_frames`, the last one shorter. Raises UsageError for no join."""
    starts = range(frames.start, frames.stop, shard_frames)
    if len(starts) < 2:
        raise UsageError(f"{len(frames)} frames in parts of {shard_frames} have no join; cut finer")
    return [
        FrameRange(start=start, stop=min(start + shard_frames, frames.stop)) for start in starts
    ]


def render_parts(
    renderer: Renderer, poses: PoseSequence, parts: Sequence[FrameRange], warmup_frames: int
) -> RGB:
    """Every part from nothing, so many frames early, and what each delivers in a row."""
    return np.stack(
        [
            picture
            for part in parts
            for picture in pictures(renderer, poses, part, warmup_frames=warmup_frames)
        ]
    )


def compare_divided(
    divided_NHW3: RGB, whole_NHW3: RGB, parts: Sequence[FrameRange], warmup_frames: int
) -> JoinRow:
    """The row of a shot rendered in parts, against the whole."""
    joins = [part.start - parts[0].start for part in parts[1:]]
    apart = [np.abs(divided_NHW3[at].astype(int) - whole_NHW3[at]) for at in joins]
    decibels = [psnr_db(divided_NHW3[at], whole_NHW3[at]) for at in joins]
    frames = FrameRange(start=0, stop=len(whole_NHW3))
    report = compare(divided_NHW3, whole_NHW3)
    measured = measure_joins(report, frames, joins)
    ratios = _ratios(measured, [report.frames[at].reference_warping_error for at in joins])
    return JoinRow(
        warmup_frames=warmup_frames,
        joins=len(joins),
        first_max=float(max(one.max() for one in apart)),
        first_p99=float(max(np.percentile(one, 99) for one in apart)),
        first_worst_psnr_db=min(decibels),
        first_median_psnr_db=float(np.median(decibels)),
        any_max=float(
            max(
                np.abs(one.astype(int) - other).max()
                for one, other in zip(divided_NHW3, whole_NHW3, strict=True)
            )
        ),
        ratio=float(ratios.mean()),
        ratio_spread=float(ratios.std()),
        beside=_mean([join.ratio for join in measured]),
        undivided_beside=_mean([join.reference_ratio for join in measured]),
    )


def table(rows: Sequence[JoinRow]) -> str:
    """Markdown, a row for each number of warm-up frames."""
    lines = [
        "| warm-up | first frame max | p99 | PSNR worst dB | median dB | any frame max | ratio to"
        " undivided | to neighbours | undivided's |",
        "|---" * 9 + "|",
    ]
    lines += [
        f"| {row.warmup_frames} | {row.first_max:.0f} | {row.first_p99:.2f} |"
        f" {row.first_worst_psnr_db:.1f} | {row.first_median_psnr_db:.1f} | {row.any_max:.0f} |"
        f" {row.ratio:.3f} ± {row.ratio_spread:.3f} | {row.beside:.3f} |"
        f" {row.undivided_beside:.3f} |"
        for row in rows
    ]
    return "\n".join(lines)


def _joined(motions: Sequence[Motion]) -> Motion:
    first, *rest = motions
    for motion in rest:
        first = first.then(motion)
    return first


def _ratios(
    joins: Sequence[JoinQuality], undivided: Sequence[float | None]
) -> npt.NDArray[np.float64]:
    """The error across each join over the undivided render's; NaN alone where none is known."""
    known = [
        join.warping_error / whole
        for join, whole in zip(joins, undivided, strict=True)
        if join.warping_error is not None and whole
    ]
    return np.array(known or [math.nan])


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else math.nan


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bodyswap.quality.join_report")
    parser.add_argument("--subject", default="vega", help="name or folder")
    parser.add_argument("--driver", default="rex", help="a performer of the stage")
    parser.add_argument("--motions", nargs="+", default=MOTIONS, metavar="MOTION")
    parser.add_argument("--frames", type=int, default=48, help="of each motion, its middle")
    parser.add_argument("--shard-frames", type=int, default=SHARD_FRAMES)
    parser.add_argument("--warmups", type=int, nargs="+", default=WARMUPS, metavar="FRAMES")
    parser.add_argument("--out", type=Path, default=Path("out/join-report"))
    return parser


if __name__ == "__main__":
    main()
