"""Trains "vega", the subject that ships: a rendered performer, so that no real person need be asked.

    python -m bodyswap.training.vega --out out/vega --minutes 45

It does not know the training loop's insides. Footage is filmed on the stage (every motion from
many sides, exact poses and mattes) and kept in the out folder, so a second run starts at once.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import pi
from pathlib import Path

import numpy as np

from bodyswap.skeleton import COCO_17, PoseSequence
from bodyswap.stage.cast import PERFORMERS
from bodyswap.stage.mocap import load_motion, motion_names
from bodyswap.stage.render import Shot, empty_set, render_performance
from bodyswap.timing import FrameRange
from bodyswap.training.footage import SubjectFootage

NAME = "vega"
SIDE_PX = 256
RATE = Fraction(30)
SIDES = 8
"""Directions each motion is filmed heading in; every other one in a mirror."""

HELD_OUT_MOTION = "spinkick"
HELD_OUT_YAW = pi / SIDES / 2
"""Between two trained directions."""
HELD_OUT_SHOWN = ("cartwheel", "backflip", "kick")

HIDDEN_CONFIDENCE = 0.45
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
            print(f"filmed {number}/{len(takes)} {take.name}", file=sys.stderr)  # noqa: T201
    parts = [_read_take(folder / f"{performer}-{take.name}.npz") for take in takes]
    lengths = [len(part["rgb"]) for part in parts]
    visible_NK = np.concatenate([part["visible"] for part in parts])
    return SubjectFootage(
        rgb_NHW3=np.concatenate([part["rgb"] for part in parts]),
        poses=PoseSequence(
            skeleton=COCO_17,
            frames=FrameRange(start=0, stop=sum(lengths)),
            keypoints_NK2=np.concatenate([part["keypoints"] for part in parts]),
            confidence_NK=np.maximum(visible_NK, np.float32(HIDDEN_CONFIDENCE)),
        ),
        matte_NHW=np.concatenate([part["matte"] for part in parts]),
        background_HW3=empty_set(Shot(width=SIDE_PX, height=SIDE_PX)),
        clip_starts=tuple(int(start) for start in np.cumsum([0, *lengths[:-1]])),
    )


def _film_take(take: Take, performer: str, path: Path) -> None:
    motion = load_motion(take.motion).at_rate(RATE)
    motion = motion.mirrored() if take.is_mirrored else motion
    shot = Shot(width=SIDE_PX, height=SIDE_PX)
    filmed = render_performance(PERFORMERS[performer], motion.turned(take.yaw_rad), shot)
    scratch = path.with_suffix(".partial.npz")
    np.savez(
        scratch,
        rgb=filmed.rgb_NHW3,
        matte=(filmed.matte_NHW * 255 + 0.5).astype(np.uint8),
        keypoints=filmed.keypoints_NK2,
        visible=filmed.visible_NK,
    )
    scratch.replace(path)


def _read_take(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
