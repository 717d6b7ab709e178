"""Views of rendered performers, whose joints are exact: anybody, doing anything, from anywhere.

It does not know how performers are drawn, nor what learns from them.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

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
_SIDE_PX = 336
_HALF_VIEW_M = 1.45
_LOOSE_DEGREES = {"shoulder": 28.0, "elbow": 28.0, "hip": 14.0, "knee": 16.0, "ankle": 10.0}


def stage_samples(
    count: int, seed: int, motions: Sequence[str], *, cast_share: float = 0.0
) -> Iterator[Samples]:
    """`count` samples, one at a time: each another person, pose, camera, light and backdrop.

    A `cast_share` of them shows the demo's own people, as captured and as the demo films them.
    """
    generator = np.random.default_rng(seed)
    clips = {name: load_motion(name) for name in motions}
    for index in range(count):
        clip = clips[str(generator.choice(motions))]
        if generator.random() < cast_share:
            performer, shot = PERFORMERS[str(generator.choice(list(PERFORMERS)))], Shot()
            motion = _pose(clip, generator, loosest=0.0)
        else:
            performer = random_performer(generator)
            motion = _pose(clip, generator)
            shot = _shot(generator, motion)
        frame = next(film(performer, motion, shot))
        state_K = np.full(len(frame.visible_K), KNOWN, np.int8)
        if (frame.matte_HW > 0.5).sum() > 200:
            yield cut_sample(frame.rgb_HW3, frame.matte_HW, frame.keypoints_K2, state_K, index)


def training_motions() -> tuple[str, ...]:
    """Every motion that is not held out."""
    return tuple(name for name in motion_names() if name not in HELD_OUT_MOTIONS)


def _pose(motion: Motion, generator: np.random.Generator, *, loosest: float = np.inf) -> Motion:
    """One instant of a motion, mirrored half the time, with its joints turned a little further."""
    instant = motion.at(np.array([generator.uniform(0, motion.duration_s)]))
    if generator.random() < 0.5:
        instant = instant.mirrored()
    rotation_TJ4 = instant.rotation_TJ4.copy()
    looseness = min(abs(float(generator.normal())), loosest)
    for joint, name in enumerate(JOINTS):
        degrees = _LOOSE_DEGREES.get(name.partition("_")[2], 5.0) * looseness
        turn = Rotation.from_rotvec(generator.normal(0, math.radians(degrees), 3) * (joint > 0))
        rotation_TJ4[:, joint] = (Rotation.from_quat(rotation_TJ4[:, joint]) * turn).as_quat()
    return replace(instant, rotation_TJ4=rotation_TJ4).turned(generator.uniform(0, 2 * math.pi))


def _shot(generator: np.random.Generator, motion: Motion) -> Shot:
    distance = float(generator.uniform(2.6, 8.0))
    height = float(generator.uniform(0.4, 2.4))
    middle = float(motion.root_T3[0, 1])
    target = (0.0, middle * float(generator.uniform(0.9, 1.05)), 0.0)
    angle = 2 * math.degrees(math.atan(_HALF_VIEW_M / distance))
    lamp = generator.uniform([-1.0, 0.25, -1.0], [1.0, 1.0, 1.0])
    return Shot(
        camera=Camera(position=(distance, height, 0.0), target=target, view_angle_deg=angle),
        width=_SIDE_PX,
        height=_SIDE_PX,
        studio=_studio(generator),
        light=Light(
            towards=(float(lamp[0]), float(lamp[1]), float(lamp[2])),
            lamp=float(generator.uniform(0.3, 1.0)),
            room=float(generator.uniform(0.25, 0.7)),
        ),
    )


def _studio(generator: np.random.Generator) -> Studio:
    wall, floor = generator.uniform(0.1, 0.95, (2, 3))
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
