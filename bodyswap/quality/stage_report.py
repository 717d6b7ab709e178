"""How well a subject of the stage takes over another's motions, against the exact truth.

    python -m bodyswap.quality.stage_report --subject vega --out out/stage-report

The driver's motions are rendered onto the subject through retarget and render, and compared with
the subject really doing them: a table, stage-report.json, and each motion's worst frame in
stage-report.png. Exact joints drive, so that errors of the pose pass are left out; with
--find-poses the pose pass drives.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bodyswap.config import RenderSettings
from bodyswap.device import choose_device
from bodyswap.errors import BodyswapError
from bodyswap.nets.checkpoint import load_subject
from bodyswap.quality.comparison import write_picture
from bodyswap.quality.lpips import load_lpips
from bodyswap.quality.sheet import tiled
from bodyswap.quality.stage_picture import draw_worst_of
from bodyswap.quality.stage_score import MotionScore, StageScorer
from bodyswap.quality.stage_transfer import film_transfer, stage_motion, stage_performer
from bodyswap.stage.mocap import motion_names
from bodyswap.subjects import find_local_subject

REPORT_FILE, REPORT_PICTURE = "stage-report.json", "stage-report.png"
PLATE_PX = 512
"""What the pose pass is given; exact joints need no more than the subject's own size."""
FRAMES = 48


@dataclass(frozen=True, kw_only=True)
class StageRow:
    """A motion's figures: means over its frames; percentages are of the subject's height.

    `found_percent` is how far off the pose pass found the driver's joints, of the driver's height.
    `joints_percent` is how far the joints that were rendered lie from the truth, and
    `placed_joints_percent` once the motion's mean offset is gone. `shown_percent` is the same of
    the joints that the pose model sees in the render. `own_joints_person_psnr_db` is the person's
    PSNR where the subject's own exact joints drive: the rest is what retargeting costs.
    """

    motion: str
    frames: int
    psnr_db: float
    person_psnr_db: float
    own_joints_person_psnr_db: float
    ssim: float
    lpips: float | None
    face_ssim: float | None
    warping_error: float | None
    reference_warping_error: float | None
    found_percent: float | None
    joints_percent: float
    placed_joints_percent: float
    shown_percent: float | None
    joints_lost_percent: float | None
    identity_delta_e: float | None
    worst_frame: int
    worst_person_psnr_db: float

    @classmethod
    def of(cls, score: MotionScore) -> "StageRow":
        mean, worst = score.mean, score.worst_index
        return cls(
            motion=score.name,
            frames=len(score.rendered_NHW3),
            psnr_db=mean.psnr_db,
            person_psnr_db=score.person_psnr_db,
            own_joints_person_psnr_db=score.own_joints_db,
            ssim=mean.ssim,
            lpips=mean.lpips,
            face_ssim=mean.face_ssim,
            warping_error=mean.warping_error,
            reference_warping_error=mean.reference_warping_error,
            found_percent=score.found_percent,
            joints_percent=score.retargeting.joints,
            placed_joints_percent=score.retargeting.placed_joints,
            shown_percent=mean.pose_error_percent,
            joints_lost_percent=mean.joints_lost_percent,
            identity_delta_e=mean.identity_delta_e,
            worst_frame=worst,
            worst_person_psnr_db=float(score.person_db_N[worst]),
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Score every motion asked for; the table goes to stdout."""
    options = _parser().parse_args(arguments)
    try:
        rows = report_on(options)
    except BodyswapError as error:
        sys.exit(f"stage_report: {error}")
    print(table(rows))  # noqa: T201  # the table is the result


def report_on(options: argparse.Namespace) -> list[StageRow]:
    """Score the motions, and write the report after each: one cut short holds what was done."""
    device = choose_device("auto")
    subject = load_subject(find_local_subject(options.subject), device)
    performer, driver = stage_performer(subject.card.name), stage_performer(options.driver)
    scorer = StageScorer(
        subject,
        settings=RenderSettings(),
        device=device,
        lpips=None if options.weights is None else load_lpips(options.weights),
        finds_poses=options.find_poses,
        poses_render=options.pose_render,
    )
    plate_px = PLATE_PX if options.find_poses else subject.card.height
    options.out.mkdir(parents=True, exist_ok=True)
    rows, pictures = [], []
    for name in options.motions:
        transfer = film_transfer(
            driver, performer, stage_motion(name, options.frames),
            plate_px=plate_px, subject_size=(subject.card.width, subject.card.height),
        )  # fmt: skip
        score = scorer.score(transfer)
        rows.append(StageRow.of(score))
        pictures.append(draw_worst_of(score, transfer))
        told = {"subject": subject.card.name, "driver": driver.name, "found": options.find_poses,
                "motions": [asdict(row) for row in rows]}  # fmt: skip
        (options.out / REPORT_FILE).write_text(json.dumps(told, indent=1) + "\n")
        write_picture(tiled(pictures, 2, gap_px=18), options.out / REPORT_PICTURE)
        print(f"{name}: {rows[-1].person_psnr_db:.2f} dB", file=sys.stderr)  # noqa: T201  # progress
    return rows


def table(rows: Sequence[StageRow]) -> str:
    """Markdown, a row a motion, and their mean."""
    lines = [
        f"| motion | {' | '.join(words for words, _, _ in _COLUMNS)} |",
        "|---" * (len(_COLUMNS) + 1) + "|",
    ]
    lines += [_line(row.motion, [getattr(row, name) for _, name, _ in _COLUMNS]) for row in rows]
    lines.append(_line("mean", [_mean(rows, name) for _, name, _ in _COLUMNS]))
    return "\n".join(lines)


_COLUMNS = (
    ("PSNR dB", "psnr_db", ".2f"),
    ("person PSNR dB", "person_psnr_db", ".2f"),
    ("own joints' dB", "own_joints_person_psnr_db", ".2f"),
    ("SSIM", "ssim", ".4f"),
    ("LPIPS", "lpips", ".4f"),
    ("face SSIM", "face_ssim", ".4f"),
    ("warping error", "warping_error", ".2f"),
    ("truth's", "reference_warping_error", ".2f"),
    ("found %", "found_percent", ".1f"),
    ("joints %", "joints_percent", ".1f"),
    ("placed %", "placed_joints_percent", ".1f"),
    ("shown %", "shown_percent", ".1f"),
    ("lost %", "joints_lost_percent", ".1f"),
    ("identity dE", "identity_delta_e", ".1f"),
    ("worst person dB", "worst_person_psnr_db", ".2f"),
)


def _line(name: str, values: Sequence[float | None]) -> str:
    cells = [
        "" if value is None else f"{value:{form}}"
        for value, (_, _, form) in zip(values, _COLUMNS, strict=True)
    ]
    return f"| {name} | {' | '.join(cells)} |"


def _mean(rows: Sequence[StageRow], name: str) -> float | None:
    known = [value for row in rows if (value := getattr(row, name)) is not None]
    return float(sum(known) / len(known)) if known else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bodyswap.quality.stage_report")
    parser.add_argument("--subject", default="vega", help="a subject of the stage, name or folder")
    parser.add_argument("--driver", default="rex", help="whose motions they take over")
    parser.add_argument("--motions", nargs="+", default=motion_names(), metavar="MOTION")
    parser.add_argument("--frames", type=int, default=FRAMES, help="of each motion, its middle")
    parser.add_argument("--weights", type=Path, help="folder of LPIPS weights")
    parser.add_argument("--find-poses", action="store_true", help="drive by the pose pass")
    parser.add_argument("--pose-render", action="store_true", help="tell the pose it shows")
    parser.add_argument("--out", type=Path, default=Path("out/stage-report"))
    return parser


if __name__ == "__main__":
    main()
