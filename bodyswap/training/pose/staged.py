"""Views of rendered performers, whose joints are exact: anybody, doing anything, from anywhere.

It does not know how performers are drawn, nor what learns from them.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from bodyswap.frames import RGB
from bodyswap.stage.backdrop import Studio
from bodyswap.stage.camera import Camera
from bodyswap.stage.cast import PERFORMERS, random_performer
from bodyswap.stage.mocap import JOINTS, Motion, load_motion, motion_names
from bodyswap.stage.render import Light, Shot, film
from bodyswap.training.pose.samples import KNOWN, Samples, cut_sample

HELD_OUT_MOTIONS = ("dance_b", "getup_faceup", "punch")
"""Never trained on: the stage's PCK is measured on strangers doing these."""
STUNTS = ("backflip", "cartwheel", "crawl", "getup_facedown", "roll", "spinkick")
"""Shown more often: bodies upside down, lying, or folded up are what a pose model gets wrong."""
_STUNT_WEIGHT = 2.5
_SIDE_PX = 336
_HALF_VIEW_M = 1.45
_LOOSE_DEGREES = {"shoulder": 28.0, "elbow": 28.0, "hip": 14.0, "knee": 16.0, "ankle": 10.0}


@dataclass(frozen=True, kw_only=True)
class Variety:
    """How far poses stray from what was captured. Shares are probabilities for one view."""

    cast_share: float = 0.0
    loosest: float = np.inf
    mixed_share: float = 0.3
    tumbled_share: float = 0.15


AS_CAPTURED = Variety(loosest=0.0, mixed_share=0.0, tumbled_share=0.0)


def stage_samples(
    count: int, seed: int, motions: Sequence[str], variety: Variety
) -> Iterator[Samples]:
    """`count` samples, one at a time: each another person, pose, camera, light and backdrop.

    The variety's `cast_share` shows the demo's own people, as captured and as the demo films them.
    """
    generator = np.random.default_rng(seed)
    clips = {name: load_motion(name) for name in motions}
    chances = np.array([_STUNT_WEIGHT if name in STUNTS else 1.0 for name in motions])
    for index in range(count):
        names = generator.choice(motions, 2, p=chances / chances.sum())
        clip, other = (clips[str(name)] for name in names)
        if generator.random() < variety.cast_share:
            performer, shot = PERFORMERS[str(generator.choice(list(PERFORMERS)))], Shot()
            motion = _pose(clip, other, generator, AS_CAPTURED)
        else:
            performer = random_performer(generator)
            motion = _pose(clip, other, generator, variety)
            shot = _shot(generator, motion)
        frame = next(film(performer, motion, shot))
        state_K = np.full(len(frame.visible_K), KNOWN, np.int8)
        if (frame.matte_HW > 0.5).sum() > 200:
            yield cut_sample(frame.rgb_HW3, frame.matte_HW, frame.keypoints_K2, state_K, index)


def training_motions() -> tuple[str, ...]:
    """Every motion that is not held out."""
    return tuple(name for name in motion_names() if name not in HELD_OUT_MOTIONS)


def _pose(
    motion: Motion, other: Motion, generator: np.random.Generator, variety: Variety
) -> Motion:
    """One instant of a motion, mirrored half the time, its joints turned a little further.

    Now and then the limbs are another motion's, or the whole body tumbles.
    """
    instant, limbs = (_instant(each, generator) for each in (motion, other))
    rotation_TJ4 = instant.rotation_TJ4.copy()
    if generator.random() < variety.mixed_share:
        lent = [joint for joint, name in enumerate(JOINTS) if name.startswith(_lent(generator))]
        rotation_TJ4[:, lent] = limbs.rotation_TJ4[:, lent]
    looseness = min(abs(float(generator.normal())), variety.loosest)
    for joint, name in enumerate(JOINTS):
        degrees = _LOOSE_DEGREES.get(name.partition("_")[2], 5.0) * looseness
        turn = Rotation.from_rotvec(generator.normal(0, math.radians(degrees), 3) * (joint > 0))
        rotation_TJ4[:, joint] = (Rotation.from_quat(rotation_TJ4[:, joint]) * turn).as_quat()
    if generator.random() < variety.tumbled_share:
        tumbled = Rotation.random(random_state=generator)
        rotation_TJ4[:, 0] = (tumbled * Rotation.from_quat(rotation_TJ4[:, 0])).as_quat()
    return replace(instant, rotation_TJ4=rotation_TJ4).turned(generator.uniform(0, 2 * math.pi))


def _instant(motion: Motion, generator: np.random.Generator) -> Motion:
    instant = motion.at(np.array([generator.uniform(0, motion.duration_s)]))
    return instant.mirrored() if generator.random() < 0.5 else instant


def _lent(generator: np.random.Generator) -> tuple[str, ...]:
    """How the names of the joints begin that another motion lends: a side's, or arms or legs."""
    sides = ("left", "right")
    arms = tuple(f"{side}_{part}" for side in sides for part in ("shoulder", "elbow"))
    legs = tuple(f"{side}_{part}" for side in sides for part in ("hip", "knee", "ankle"))
    choices = (arms, legs, ("left_shoulder", "left_elbow"), ("right_hip", "right_knee"))
    return choices[int(generator.integers(len(choices)))]


def _shot(generator: np.random.Generator, motion: Motion) -> Shot:
    distance = float(generator.uniform(2.2, 9.0))
    height = float(generator.choice([generator.uniform(0.3, 2.4), generator.uniform(0.1, 4.5)]))
    middle = float(motion.root_T3[0, 1])
    target = (0.0, middle * float(generator.uniform(0.9, 1.05)), 0.0)
    angle = 2 * math.degrees(math.atan(_HALF_VIEW_M / math.hypot(distance, height - target[1])))
    lamp = generator.uniform([-1.0, 0.15, -1.0], [1.0, 1.0, 1.0])
    return Shot(
        camera=Camera(position=(distance, height, 0.0), target=target, view_angle_deg=angle),
        width=_SIDE_PX,
        height=_SIDE_PX,
        studio=_studio(generator),
        light=Light(
            towards=(float(lamp[0]), float(lamp[1]), float(lamp[2])),
            lamp=float(generator.uniform(0.2, 1.1)),
            room=float(generator.uniform(0.2, 0.75)),
        ),
    )


def _studio(generator: np.random.Generator) -> Studio:
    wall, floor = generator.uniform(0.03, 0.97, (2, 3))
    return Studio(
        wall=(float(wall[0]), float(wall[1]), float(wall[2])),
        floor=(float(floor[0]), float(floor[1]), float(floor[2])),
        board_m=float(generator.uniform(0.15, 0.8)),
    )


def stage_pictures(count: int, seed: int) -> list[RGB]:
    """Empty studios, for backgrounds."""
    from bodyswap.stage.render import empty_set

    generator = np.random.default_rng(seed)
    motion = load_motion("walk")
    return [empty_set(_shot(generator, motion)) for _ in range(count)]
