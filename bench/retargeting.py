"""Retargeting against the stage's truth: the subject really doing what the driver did.

Percentages are of the subject's height. Run by `make bench`; exact joints go in, so what is
measured is the mapping alone.
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import pi

import numpy as np

from bodyswap.people import PoseSequence
from bodyswap.quality.retarget_error import RetargetError, planted_feet, retarget_error
from bodyswap.retarget import measure_stance, retarget
from bodyswap.skeleton import COCO_17, Floats
from bodyswap.stage.body import Performer
from bodyswap.stage.camera import Camera
from bodyswap.stage.cast import REX, VEGA, random_performer
from bodyswap.stage.mocap import Motion, load_motion, motion_names
from bodyswap.stage.puppet import puppet
from bodyswap.stance import StanceStatistics
from bodyswap.timing import FrameRange

RATE = 30.0
SUBJECT_PX = 256
SUBJECT_CAMERA = Camera()


@dataclass(frozen=True, kw_only=True)
class Case:
    """A motion, and how its driver was filmed."""

    name: str
    motion: Motion
    camera: Camera = field(default_factory=Camera)
    width: int = 512
    height: int = 512


def main() -> None:
    people = [random_performer(np.random.default_rng(seed)) for seed in (1, 2, 3)]
    pairs = [(REX, VEGA), (VEGA, REX), (people[0], people[1]), (people[2], VEGA)]
    stances = {subject.name: subject_stance(subject) for _, subject in pairs}
    print(f"{'case':22s} joints  placed  limbs  feet y   slide (truth's) px")
    for case in cases():
        _show(case.name, [measure(case, *pair, stances[pair[1].name]) for pair in pairs])


def cases() -> list[Case]:
    """What stunts and their footage are made of."""
    walk = walked(3)
    far = Camera(position=(8.0, 1.6, 0.8), target=(0.0, 0.8, 0.3), view_angle_deg=30.0)
    low = Camera(position=(4.8, 0.5, -0.6), target=(0.0, 0.95, 0.0), view_angle_deg=42.0)
    aside = moved(load_motion("dance_a").turned(0.3), (-1.0, 0.9))
    return [
        *(
            Case(name=name, motion=_filmed(load_motion(name).turned(0.3)))
            for name in ("walk", "run", "cartwheel", "backflip", "spinkick", "roll", "crawl",
                         "jump", "dance_a", "kick", "getup_faceup")
        ),
        Case(name="walk to the camera", motion=_filmed(walk.turned(0.0))),
        Case(name="walk away", motion=_filmed(walk.turned(pi))),
        Case(name="walk across", motion=_filmed(walk.turned(pi / 2)), width=910),
        Case(name="dance, far and aside", motion=_filmed(aside), width=910),
        Case(name="walk, high far camera", motion=_filmed(walk.turned(0.4)), camera=far),
        Case(name="cartwheel, low camera", motion=_filmed(load_motion("cartwheel").turned(0.6)),
             camera=low, width=1280, height=720),
    ]  # fmt: skip


def walked(rounds: int) -> Motion:
    """The walk, going on for several rounds."""
    walk = load_motion("walk")
    whole, step = walk, (walk.root_T3[-1] - walk.root_T3[0]) * np.array([1, 0, 1])
    for number in range(1, rounds):
        whole = whole.then(replace(walk, root_T3=walk.root_T3 + step * number))
    return whole


def moved(motion: Motion, to: tuple[float, float]) -> Motion:
    """The motion elsewhere on the floor, x and z in metres."""
    return replace(motion, root_T3=motion.root_T3 + np.array([to[0], 0.0, to[1]]))


def measure(
    case: Case, driver: Performer, subject: Performer, stance: StanceStatistics
) -> RetargetError:
    """The subject as `driver` retargeted, against the subject doing the same."""
    driven = _poses(puppet(driver, case.motion).seen_by(case.camera, case.width, case.height))
    real = puppet(subject, case.motion)
    truth = real.seen_by(SUBJECT_CAMERA, SUBJECT_PX, SUBJECT_PX)
    found = retarget(
        driven,
        measure_stance(driven, width=case.width, height=case.height, rate=RATE),
        stance,
        rate=RATE,
    )
    return retarget_error(
        found.keypoints_NK2,
        truth,
        planted_feet(real.joints_NK3, COCO_17, RATE),
        skeleton=COCO_17,
        person_height_px=(stance.far_height + stance.near_height) / 2,
    )


def subject_stance(subject: Performer) -> StanceStatistics:
    """What the subject's card would say: measured over all motions from four sides."""
    films = [
        puppet(subject, _filmed(load_motion(name).turned(yaw)))
        .seen_by(SUBJECT_CAMERA, SUBJECT_PX, SUBJECT_PX)
        for name in motion_names() for yaw in (0.0, pi / 2, pi, 3 * pi / 2)
    ]  # fmt: skip
    poses = _poses(np.concatenate(films))
    return measure_stance(poses, width=SUBJECT_PX, height=SUBJECT_PX, rate=RATE)


def _filmed(motion: Motion) -> Motion:
    return motion.at_rate(Fraction(30))


def _poses(keypoints_NK2: Floats) -> PoseSequence:
    return PoseSequence(
        skeleton=COCO_17,
        frames=FrameRange(start=0, stop=len(keypoints_NK2)),
        keypoints_NK2=keypoints_NK2,
        confidence_NK=np.ones(keypoints_NK2.shape[:2], np.float32),
    )


def _show(name: str, errors: list[RetargetError]) -> None:
    def mean(of: str) -> float:
        return float(np.mean([getattr(error, of) for error in errors]))

    print(
        f"{name:22s} {mean('joints'):5.1f}%  {mean('placed_joints'):5.1f}%  {mean('limbs'):4.1f}%"
        f"  {mean('feet_y'):5.1f}%  {mean('slide_px'):5.2f} ({mean('true_slide_px'):.2f})"
    )


if __name__ == "__main__":
    main()
