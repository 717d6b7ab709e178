"""Whether a long render drifts: its last frames against its first, where both show the same.

    python -m bodyswap.quality.drift_report --subject vega --frames 3000 --out out/drift-report

A motion of the stage is gone through there and back for so many frames, rendered without a break
on the render's own output. The first and the last stretch begin at the same moment of it, so that
their poses and their truth are equal frame for frame. It does not know the farm.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bodyswap.device import choose_device
from bodyswap.errors import BodyswapError, UsageError
from bodyswap.frames import RGB
from bodyswap.nets.checkpoint import Subject, load_subject
from bodyswap.people import PoseSequence
from bodyswap.quality.comparison import write_picture
from bodyswap.quality.metrics import FrameQuality, compare
from bodyswap.quality.stage_drive import drive, pictures, plate_of
from bodyswap.quality.stage_transfer import (
    StageTransfer,
    film_transfer,
    stage_motion,
    stage_performer,
)
from bodyswap.render import Renderer
from bodyswap.subjects import find_local_subject
from bodyswap.timing import FrameRange

REPORT_FILE, REPORT_PICTURE = "drift-report.json", "drift-report.png"
MOTION = "dance_b"
FRAMES, STRETCH = 3000, 300
_SHOWN = 6

Order = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Drift:
    """The mean scores of the first and the last stretch against truth, and how far they differ.

    `apart_*` are between the two stretches, frame for frame, in grey levels.
    """

    frames: int
    stretch: int
    first: FrameQuality
    last: FrameQuality
    apart_max: float
    apart_p99: float

    def to_dict(self) -> dict[str, object]:
        return asdict(self)

    def summary(self) -> str:
        """Some lines for people."""
        told = [f"{self.frames} frames, first and last {self.stretch}:"]
        for words, name in (
            ("PSNR dB", "psnr_db"),
            ("SSIM", "ssim"),
            ("face SSIM", "face_ssim"),
            ("warping error", "warping_error"),
            ("flicker", "flicker"),
        ):
            pair = getattr(self.first, name), getattr(self.last, name)
            if None not in pair:
                told.append(f"  {words:14s} {pair[0]:.4f} -> {pair[1]:.4f}")
        told.append(f"  apart: max {self.apart_max:.0f}, 99th percentile {self.apart_p99:.2f} grey")
        return "\n".join(told)


def main(arguments: Sequence[str] | None = None) -> None:
    """Render, compare, and tell."""
    options = _parser().parse_args(arguments)
    try:
        drift = report_on(options)
    except BodyswapError as error:
        sys.exit(f"drift_report: {error}")
    print(drift.summary())  # noqa: T201  # the summary is the result


def report_on(options: argparse.Namespace) -> Drift:
    """Measure, and write the report and some frames of both stretches into the out folder."""
    device = choose_device("auto")
    subject = load_subject(find_local_subject(options.subject), device)
    transfer = film_transfer(
        stage_performer(options.driver), stage_performer(subject.card.name),
        stage_motion(options.motion, 10**6),
        plate_px=subject.card.height, subject_size=(subject.card.width, subject.card.height),
    )  # fmt: skip
    order = there_and_back(len(transfer), options.frames, options.stretch)
    poses = _long_poses(subject, transfer, order)
    rendered = pictures(Renderer(subject, device), poses, poses.frames)
    first_NHW3, last_NHW3 = ends_of(rendered, len(order), options.stretch)
    drift = compare_ends(first_NHW3, last_NHW3, transfer, order)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / REPORT_FILE).write_text(json.dumps(drift.to_dict(), indent=1) + "\n")
    truth_NHW3 = transfer.truth.rgb_NHW3[order[: options.stretch]]
    rows = [_strip(rgb_NHW3) for rgb_NHW3 in (first_NHW3, last_NHW3, truth_NHW3)]
    write_picture(np.concatenate(rows), options.out / REPORT_PICTURE)
    return drift


def there_and_back(count: int, least: int, stretch: int) -> Order:
    """Which of `count` frames each frame of the long motion shows.

    `least` frames or some more, so that the last `stretch` of them show what the first do.

    Raises:
        UsageError: the stretches would overlap, or there is no motion.
    """
    if count < 2 or least < 2 * stretch or stretch < 1:
        raise UsageError(
            f"{least} frames do not hold two stretches of {stretch}; ask for more frames"
        )
    round_frames = 2 * (count - 1)
    rounds = -(-(least - stretch) // round_frames)
    there = np.arange(count)
    once = np.concatenate([there, there[-2:0:-1]])
    return np.resize(once, rounds * round_frames + stretch)


def ends_of(rendered: Iterable[RGB], total: int, stretch: int) -> tuple[RGB, RGB]:
    """The first and the last `stretch` of so many pictures; no other is kept."""
    first, last = [], []
    for index, picture_HW3 in enumerate(rendered):
        if index < stretch:
            first.append(picture_HW3)
        if index >= total - stretch:
            last.append(picture_HW3)
        if index % 300 == 0:
            print(f"frame {index} of {total}", file=sys.stderr)  # noqa: T201  # progress
    return np.stack(first), np.stack(last)


def compare_ends(first_NHW3: RGB, last_NHW3: RGB, transfer: StageTransfer, order: Order) -> Drift:
    """Score both stretches against the same truth, and against each other."""
    shown = order[: len(first_NHW3)]
    truth_NHW3 = transfer.truth.rgb_NHW3[shown]
    poses = _reordered(transfer.true_poses, shown)
    means = [compare(end, truth_NHW3, poses=poses).mean for end in (first_NHW3, last_NHW3)]
    apart = np.abs(first_NHW3.astype(np.int16) - last_NHW3)
    return Drift(
        frames=len(order),
        stretch=len(first_NHW3),
        first=means[0],
        last=means[1],
        apart_max=float(apart.max()),
        apart_p99=float(np.percentile(apart, 99)),
    )


def _long_poses(subject: Subject, transfer: StageTransfer, order: Order) -> PoseSequence:
    driving = _reordered(transfer.driving_poses, order)
    return drive(driving, plate_of(transfer.driver.rgb_NHW3), subject.card.stance)


def _reordered(poses: PoseSequence, order: Order) -> PoseSequence:
    return PoseSequence(
        skeleton=poses.skeleton,
        frames=FrameRange(start=0, stop=len(order)),
        keypoints_NK2=poses.keypoints_NK2[order],
        confidence_NK=poses.confidence_NK[order],
    )


def _strip(rgb_NHW3: RGB) -> RGB:
    picked = np.linspace(0, len(rgb_NHW3) - 1, _SHOWN).round().astype(int)
    return np.concatenate(list(rgb_NHW3[picked]), axis=1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bodyswap.quality.drift_report")
    parser.add_argument("--subject", default="vega", help="a subject of the stage, name or folder")
    parser.add_argument("--driver", default="rex", help="a performer of the stage")
    parser.add_argument("--motion", default=MOTION, help="gone through there and back")
    parser.add_argument("--frames", type=int, default=FRAMES, help="at least so many")
    parser.add_argument("--stretch", type=int, default=STRETCH, help="compared at either end")
    parser.add_argument("--out", type=Path, default=Path("out/drift-report"))
    return parser


if __name__ == "__main__":
    main()
