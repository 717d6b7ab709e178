"""The demo's footage: rex's stunts as the plate, and vega doing the same as the truth.

It does not know how it is rendered onto vega; that is an ordinary render.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from bodyswap.encode import CODECS, encode
from bodyswap.stage.body import Performer
from bodyswap.stage.cast import REX, VEGA
from bodyswap.stage.mocap import Motion, load_motion
from bodyswap.stage.render import Shot, film
from bodyswap.timing import FrameRange, Timeline

RATE = Fraction(30)
STUNTS = (("cartwheel", 0.6), ("spinkick", 0.4))


@dataclass(frozen=True, kw_only=True)
class DemoFootage:
    """The plate, and the subject filmed in the same motion."""

    plate: Path
    truth: Path


def film_demo(folder: Path) -> DemoFootage:
    """Film both people doing the demo's stunts, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    footage = DemoFootage(plate=folder / "plate.mp4", truth=folder / "truth.mp4")
    write_film(REX, demo_motion(), footage.plate, size=512)
    write_film(VEGA, demo_motion(), footage.truth, size=256)
    return footage


def demo_motion() -> Motion:
    """The stunts, one after the other, at the demo's frame rate."""
    first, *rest = (load_motion(name).turned(yaw) for name, yaw in STUNTS)
    whole = first
    for motion in rest:
        whole = whole.then(motion)
    return whole.at_rate(RATE)


def write_film(performer: Performer, motion: Motion, path: Path, *, size: int) -> None:
    """Film `performer` doing `motion`, `size` pixels square, and encode it to `path`."""
    timeline = Timeline(pts=tuple(range(len(motion))), time_base=1 / RATE, rate=RATE)
    encode(
        (frame.rgb_HW3 for frame in film(performer, motion, Shot(width=size, height=size))),
        path,
        timeline=timeline,
        frames=FrameRange(start=0, stop=len(motion)),
        codec=CODECS["h264"],
    )
