"""Trains "vega", the subject that ships: a rendered performer, whom no one need ask.

    python -m bodyswap.training.vega --out out/vega --minutes 45
    python -m bodyswap.training.vega --index-only     # only tell again which poses she is learnt in

It does not know the training loop's insides. Footage is filmed on the stage (every motion from
many sides, exact poses and mattes) and kept in the out folder, so a second run starts at once.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import pi
from pathlib import Path

import numpy as np

from bodyswap.frames import RGB
from bodyswap.nets.card import Origin, SubjectCard
from bodyswap.nets.checkpoint import Subject, load_card, put_beside, save_subject
from bodyswap.people import PoseSequence
from bodyswap.quality.coverage import INDEX_FILE, CoverageIndex, build_index
from bodyswap.retarget import measure_stance
from bodyswap.skeleton import COCO_17, Floats
from bodyswap.stage.body import Performer
from bodyswap.stage.cast import PERFORMERS
from bodyswap.stage.mocap import ARCHIVE, Motion, load_motion, motion_names
from bodyswap.stage.render import Shot, empty_set, render_performance, stand
from bodyswap.stance import StanceStatistics
from bodyswap.timing import FrameRange
from bodyswap.training.config import TrainingConfig
from bodyswap.training.finish import finish_subject
from bodyswap.training.footage import Mattes, SubjectFootage
from bodyswap.training.loop import Progress, train_subject, typical_height

NAME = "vega"
PACKAGED = Path(__file__).parents[1] / "subjects" / NAME
SIDE_PX = 256
RATE = Fraction(30)
SIDES = 8
"""Directions each motion is filmed heading in; every other one in a mirror."""

HELD_OUT_MOTION = "spinkick"
HELD_OUT_YAW = pi / SIDES / 2
"""Between two trained directions."""
HELD_OUT_SHOWN = ("cartwheel", "backflip", "kick")

HIDDEN_CONFIDENCE = 0.6
"""What a joint behind the body counts: an estimator is less certain of those."""


@dataclass(frozen=True, kw_only=True)
class Take:
    """One motion, heading one way."""

    motion: str
    yaw_rad: float
    is_mirrored: bool

    @property
    def name(self) -> str:
        return f"{self.motion}-{round(self.yaw_rad * 180 / pi)}{'-m' if self.is_mirrored else ''}"


@dataclass(frozen=True, kw_only=True)
class _FilmedTake:
    rgb_NHW3: RGB
    matte_NHW: Mattes
    keypoints_NK2: Floats
    visible_NK: Floats


def training_takes() -> list[Take]:
    """What vega is learnt from."""
    return [
        Take(motion=motion, yaw_rad=2 * pi * side / SIDES, is_mirrored=(side + number) % 2 == 1)
        for side in range(SIDES)
        for number, motion in enumerate(motion_names())
        if motion != HELD_OUT_MOTION
    ]


def held_out_takes() -> list[Take]:
    """What vega is measured on: a motion never seen, and seen ones from unseen directions."""
    names = (HELD_OUT_MOTION, *HELD_OUT_SHOWN)
    return [Take(motion=name, yaw_rad=HELD_OUT_YAW, is_mirrored=False) for name in names]


def film(takes: Sequence[Take], folder: Path, *, performer: str = NAME) -> SubjectFootage:
    """The takes as one footage, filmed where `folder` does not hold them yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, take in enumerate(takes, start=1):
        path = folder / f"{performer}-{take.name}.npz"
        if not path.exists():
            _film_take(take, performer, path)
            _say(f"filmed {number}/{len(takes)} {take.name}")
    parts = [_read_take(folder / f"{performer}-{take.name}.npz") for take in takes]
    lengths = [len(part.rgb_NHW3) for part in parts]
    visible_NK = np.concatenate([part.visible_NK for part in parts])
    return SubjectFootage(
        rgb_NHW3=np.concatenate([part.rgb_NHW3 for part in parts]),
        poses=PoseSequence(
            skeleton=COCO_17,
            frames=FrameRange(start=0, stop=sum(lengths)),
            keypoints_NK2=np.concatenate([part.keypoints_NK2 for part in parts]),
            confidence_NK=np.maximum(visible_NK, np.float32(HIDDEN_CONFIDENCE)),
        ),
        matte_NHW=np.concatenate([part.matte_NHW for part in parts]),
        background_HW3=empty_set(Shot(width=SIDE_PX, height=SIDE_PX)),
        clip_starts=tuple(int(start) for start in np.cumsum([0, *lengths[:-1]])),
    )


def _film_take(take: Take, performer: str, path: Path) -> None:
    shot = Shot(width=SIDE_PX, height=SIDE_PX)
    filmed = render_performance(PERFORMERS[performer], _motion(take), shot)
    scratch = path.with_suffix(".partial.npz")
    np.savez(
        scratch,
        rgb=filmed.rgb_NHW3,
        matte=(filmed.matte_NHW * 255 + 0.5).astype(np.uint8),
        keypoints=filmed.keypoints_NK2,
        visible=filmed.visible_NK,
    )
    scratch.replace(path)


def _read_take(path: Path) -> _FilmedTake:
    with np.load(path, allow_pickle=False) as archive:
        return _FilmedTake(
            rgb_NHW3=archive["rgb"],
            matte_NHW=archive["matte"],
            keypoints_NK2=archive["keypoints"],
            visible_NK=archive["visible"],
        )


def publish(trained: Subject, held_out: SubjectFootage, folder: Path) -> SubjectCard:
    """Write the subject to `folder`, and what they are worth on footage they never saw."""
    index = index_takes(training_takes(), trained.card.stance)
    save_subject(
        folder,
        trained.card,
        trained.generator.state_dict(),
        trained.background_HW3,
        {INDEX_FILE: index.to_bytes()},
    )
    return finish_subject(folder, held_out, "cpu")


def index_takes(takes: Sequence[Take], stance: StanceStatistics) -> CoverageIndex:
    """Which poses the takes have. No picture is drawn for it."""
    poses, starts = take_poses(takes)
    return build_index(poses, height_px=typical_height(stance), clip_starts=starts)


def take_poses(
    takes: Sequence[Take], *, performer: str = NAME
) -> tuple[PoseSequence, tuple[int, ...]]:
    """The joints of the takes as they are filmed, all trusted, and where each take begins."""
    parts = [_exact_joints(PERFORMERS[performer], _motion(take)) for take in takes]
    starts = np.cumsum([0, *(len(part) for part in parts)])
    keypoints_NK2 = np.concatenate(parts).astype(np.float32)
    poses = PoseSequence(
        skeleton=COCO_17,
        frames=FrameRange(start=0, stop=len(keypoints_NK2)),
        keypoints_NK2=keypoints_NK2,
        confidence_NK=np.ones(keypoints_NK2.shape[:2], np.float32),
    )
    return poses, tuple(int(start) for start in starts[:-1])


def _exact_joints(performer: Performer, motion: Motion) -> Floats:
    bones, camera = stand(performer, motion), Shot().camera
    joints, places = zip(*performer.joint_points(), strict=True)
    rotation_TK33, origin_TK3 = bones.rotation_TJ33[:, joints], bones.origin_TJ3[:, joints]
    points_TK3 = np.einsum("tkij,kj->tki", rotation_TK33, np.array(places)) + origin_TK3
    pixels, _ = camera.project(points_TK3.reshape(-1, 3), SIDE_PX, SIDE_PX)
    return pixels.reshape(*points_TK3.shape[:2], 2).astype(np.float32)


def _motion(take: Take) -> Motion:
    motion = load_motion(take.motion).at_rate(RATE)
    motion = motion.mirrored() if take.is_mirrored else motion
    return motion.turned(take.yaw_rad)


def main(arguments: Sequence[str] | None = None) -> None:
    """Film, train, measure, and write the subject where the package looks for it."""
    options = _parser().parse_args(arguments)
    if options.index_only:
        index = index_takes(training_takes(), load_card(options.publish).stance)
        put_beside(options.publish, INDEX_FILE, index.to_bytes())
        _say(f"{len(index.poses)} representative poses written to {options.publish}")
        return
    footage = film(training_takes(), options.out / "footage")
    held_out = film(held_out_takes(), options.out / "footage")
    subject = train_subject(
        footage,
        TrainingConfig(minutes=options.minutes, vgg_weights=options.vgg, steps=options.steps),
        options.out,
        origin=Origin(
            subject=NAME,
            consent="synthetic",
            footage_sha256=(hashlib.sha256(ARCHIVE.read_bytes()).hexdigest(),),
        ),
        stance=measure_stance(footage.poses, width=SIDE_PX, height=SIDE_PX, rate=float(RATE)),
        on_progress=_tell,
        samples_of=held_out,
    )
    card = publish(subject, held_out, options.publish)
    _say(f"{card.held_out}, {card.warmup_frames} warm-up frames; written to {options.publish}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bodyswap.training.vega")
    parser.add_argument(
        "--out", type=Path, default=Path("out/vega"), help="footage, state, samples"
    )
    parser.add_argument("--minutes", type=float, default=45.0, help="training budget")
    parser.add_argument("--steps", type=int, default=100_000, help="training budget in steps")
    parser.add_argument("--vgg", type=Path, help="VGG-16 weights for the perceptual loss")
    parser.add_argument("--publish", type=Path, default=PACKAGED, help="the subject's folder")
    parser.add_argument("--index-only", action="store_true", help="no training, only the index")
    return parser


def _tell(progress: Progress) -> None:
    if progress.step % 20 == 0:
        losses = " ".join(f"{name} {value:.3f}" for name, value in progress.losses.items())
        _say(
            f"step {progress.step} {progress.done:.1%} {progress.seconds_per_step:.2f} s: {losses}"
        )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
