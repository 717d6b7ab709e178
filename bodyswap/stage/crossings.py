"""Scenes of several people who cross, hide each other, leave and come back.

They measure tracking: the easy ones any tracker should get right, the hard ones are meant to hurt.
It does not know how they are filmed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bodyswap.stage.body import Cloth, Outfit, Performer
from bodyswap.stage.cast import REX, VEGA
from bodyswap.stage.ensemble import Role
from bodyswap.stage.mocap import Motion, load_motion

RATE = 24
_TO_THE_RIGHT = np.pi / 2
_TO_THE_LEFT = -np.pi / 2


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A cast that crosses, at RATE frames a second."""

    name: str
    is_hard: bool
    cast: tuple[Role, ...]


def scenes() -> tuple[Scene, ...]:
    """Every scene, the easy ones first."""
    return (
        Scene(name="two cross", is_hard=False, cast=_two_cross(REX, VEGA)),
        Scene(name="one leaves, comes back", is_hard=False, cast=_leaves_and_returns(VEGA, REX)),
        Scene(name="two cross, dressed alike", is_hard=True, cast=_two_cross(*_alike()[:2])),
        Scene(name="three cross, one hidden long", is_hard=True, cast=_three_cross(_alike())),
        Scene(name="one alike comes back", is_hard=True, cast=_leaves_and_returns(*_alike()[:2])),
    )


def _two_cross(near: Performer, far: Performer) -> tuple[Role, ...]:
    walk = load_motion("walk").going_on(3)
    return (
        Role(performer=near, motion=_filmed(walk.turned(_TO_THE_RIGHT)), offset_m=(0.9, 0.0)),
        Role(performer=far, motion=_filmed(walk.turned(_TO_THE_LEFT)), offset_m=(-0.9, 0.0)),
    )


def _leaves_and_returns(runner: Performer, stayer: Performer) -> tuple[Role, ...]:
    run = load_motion("run").going_on(2)
    there, back = run.turned(_TO_THE_RIGHT), run.turned(_TO_THE_LEFT)
    path = there.then(back)
    path = _paused(path, at_s=path.duration_s, for_s=1.0)
    stays = load_motion("dance_a").turned(0.4).going_on(2)
    return (
        Role(performer=runner, motion=path, offset_m=(0.6, -2.3)),
        Role(performer=stayer, motion=_filmed(stays), offset_m=(-0.4, 1.2)),
    )


def _three_cross(people: Sequence[Performer]) -> tuple[Role, ...]:
    """The first stops before the third and goes on; the second crosses behind both."""
    walk = load_motion("walk").going_on(3)
    stops = _paused(walk.turned(_TO_THE_RIGHT), at_s=2.0, for_s=1.0)
    later = load_motion("walk").going_on(4).turned(_TO_THE_LEFT)
    stays = load_motion("dance_b").turned(0.2)
    return (
        Role(performer=people[0], motion=stops, offset_m=(1.2, 0.0)),
        Role(performer=people[1], motion=_filmed(later), offset_m=(-0.2, 0.3)),
        Role(performer=people[2], motion=_filmed(stays), offset_m=(-1.3, 0.0)),
    )


def _filmed(motion: Motion) -> Motion:
    return motion.at(np.arange(0, motion.duration_s, 1 / RATE))


def _paused(motion: Motion, *, at_s: float, for_s: float) -> Motion:
    """The motion held at a moment for a while."""
    times = np.arange(0, motion.duration_s + for_s, 1 / RATE)
    held = np.where(times < at_s, times, np.maximum(times - for_s, at_s))
    return replace(motion.at(held), time_T=times)


def _alike() -> tuple[Performer, ...]:
    """Three people in nearly the same clothes, of different builds."""
    shades = ((0.3, 0.32, 0.36), (0.33, 0.32, 0.34), (0.28, 0.31, 0.38))
    builds = (REX.proportions, VEGA.proportions, replace(VEGA.proportions, legs=1.02, bulk=1.0))
    return tuple(
        Performer(name=f"alike-{index}", outfit=_plain(REX.outfit, shade), proportions=build)
        for index, (shade, build) in enumerate(zip(shades, builds, strict=True))
    )


def _plain(outfit: Outfit, shade: tuple[float, float, float]) -> Outfit:
    return replace(outfit, top=Cloth(colour=shade), bottoms=Cloth(colour=(0.2, 0.2, 0.23)))
