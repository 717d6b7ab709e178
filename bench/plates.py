"""Plates for benches: a stunt of the stage, as long as is asked for.

It does not know what is measured on them.
"""

from fractions import Fraction
from pathlib import Path

from bodyswap.encode import CODECS, encode
from bodyswap.frames import RGB
from bodyswap.stage.cast import REX
from bodyswap.stage.render import Shot, film
from bodyswap.timing import FrameRange, Timeline
from cluster.cli.demo import demo_motion

FILMED = 72
"""So many frames are filmed; a longer plate plays them there and back."""


def stage_pictures(count: int, *, size: int) -> list[RGB]:
    """So many pictures of rex, each different from the one before."""
    motion = demo_motion()
    filmed = min(count, FILMED, len(motion.time_T))
    shown = film(REX, motion.at(motion.time_T[:filmed]), Shot(width=size, height=size))
    pictures = [frame.rgb_HW3 for frame in shown]
    around = pictures + pictures[-2:0:-1]
    return [around[index % len(around)] for index in range(count)]


def stage_plate(path: Path, count: int, *, size: int) -> Path:
    """A plate at `path`, 24 frames a second."""
    rate = Fraction(24)
    timeline = Timeline(pts=tuple(512 * index for index in range(count)),
                        time_base=Fraction(1, 24 * 512), rate=rate)  # fmt: skip
    encode(
        stage_pictures(count, size=size), path,
        timeline=timeline, frames=FrameRange(start=0, stop=count), codec=CODECS["h264"],
    )  # fmt: skip
    return path
