"""Performers: people made of rounded parts, each with a cloth, a skin or a hair to show.

It does not know how parts are drawn. A part's points lie in its joint's frame: x forward, y up
the bone, z to the right, in metres before `squash`, which flattens the part along those axes.
"""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from bodyswap.stage.kinematics import Proportions
from bodyswap.stage.mocap import JOINTS, Floats64

Colour = tuple[float, float, float]
Point = tuple[float, float, float]


class Pattern(StrEnum):
    """What a piece of clothing shows, so that its motion can be seen."""

    PLAIN = "plain"
    STRIPES = "stripes"
    CHECKS = "checks"
    BADGE = "badge"
    SEAM = "seam"


@dataclass(frozen=True, kw_only=True)
class Cloth:
    """A surface: `second` shows where the pattern says, every `period_m` metres."""

    colour: Colour
    second: Colour = (1.0, 1.0, 1.0)
    pattern: Pattern = Pattern.PLAIN
    period_m: float = 0.06
    gloss: float = 0.05


@dataclass(frozen=True, kw_only=True)
class Part:
    """A round cone: the hull of a ball of `radius_a` at `a` and one of `radius_b` at `b`."""

    joint: int
    a: Point
    b: Point
    radius_a: float
    radius_b: float
    cloth: Cloth
    squash: Point = (1.0, 1.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Outfit:
    """What a performer wears. Sleeve and trouser lengths are fractions of the limb."""

    skin: Colour
    hair: Colour
    top: Cloth
    bottoms: Cloth
    shoes: Colour
    soles: Colour = (0.9, 0.9, 0.9)
    belt: Colour = (0.1, 0.08, 0.07)
    eyes: Colour = (0.1, 0.07, 0.05)
    sleeves: float = 1.0
    trousers: float = 1.0
    hair_style: str = "short"


@dataclass(frozen=True, kw_only=True)
class Performer:
    """Somebody on the stage."""

    name: str
    outfit: Outfit
    proportions: Proportions = field(default_factory=Proportions)

    def parts(self) -> tuple[Part, ...]:
        """Everything that is drawn of them."""
        wardrobe = _Wardrobe(self.proportions, self.outfit)
        return (*wardrobe.trunk(), *wardrobe.head(), *wardrobe.limbs(1), *wardrobe.limbs(-1))

    def joint_points(self) -> tuple[tuple[int, Point], ...]:
        """COCO-17's joints, each as a joint's frame and a point in it."""
        head, legs = self.proportions.head, self.proportions.legs
        arms = self.proportions.arms
        face: list[tuple[int, Point]] = [(_NECK, _scaled((0.132, 0.165, 0.0), head))]
        for y, x, z in ((0.197, 0.113, 0.034), (0.175, 0.012, 0.09)):
            face += [(_NECK, _scaled((x, y, sign * z), head)) for sign in (-1, 1)]
        body: list[tuple[int, Point]] = []
        for name, point in (
            ("shoulder", (0.0, 0.0, 0.0)),
            ("elbow", (0.0, 0.0, 0.0)),
            ("elbow", (0.0, -0.2589 * arms, 0.0)),
            ("hip", (0.0, 0.02, 0.0)),
            ("knee", (0.0, 0.0, 0.0)),
            ("knee", (0.0, -0.4099 * legs, 0.0)),
        ):
            body += [(JOINTS.index(f"{side}_{name}"), point) for side in ("left", "right")]
        return (*face, *body)


_ROOT, _CHEST, _NECK = (JOINTS.index(name) for name in ("root", "chest", "neck"))


class _Wardrobe:
    """Cuts the parts to one performer's measure."""

    def __init__(self, proportions: Proportions, outfit: Outfit) -> None:
        self._size = proportions
        self._wear = outfit
        self._skin = Cloth(colour=outfit.skin, gloss=0.12)
        self._hair = Cloth(
            colour=outfit.hair,
            second=_scaled(outfit.hair, 0.72),
            pattern=Pattern.SEAM,
            period_m=0.03,
            gloss=0.2,
        )

    def trunk(self) -> list[Part]:
        size, wear = self._size, self._wear
        torso, hips, wide = size.torso, size.hips, size.shoulders
        girth = size.bulk
        flat = (0.74, 1.0, 1.18)
        hem = Cloth(colour=wear.belt)
        return [
            _part(_ROOT, (0, -0.03, 0), (0, 0.07, 0), 0.112 * girth * hips, 0.112 * girth,
                  wear.bottoms, (0.82, 1.0, 1.22)),
            _part(_ROOT, (0, 0.075, 0), (0, 0.095, 0), 0.116 * girth, 0.116 * girth, hem, flat),
            _part(_ROOT, (0, 0.11, 0), (0, 0.236 * torso, 0), 0.113 * girth, 0.119 * girth,
                  wear.top, flat),
            _part(_CHEST, (0, 0.0, 0), (0, 0.15 * torso, 0), 0.119 * girth, 0.138 * girth,
                  wear.top, (0.76, 1.0, 0.98 + 0.25 * wide)),
            _part(_CHEST, (-0.02, 0.228 * torso, -0.15 * wide), (-0.02, 0.228 * torso, 0.15 * wide),
                  0.068 * girth, 0.068 * girth, wear.top),
            _part(_CHEST, (-0.012, 0.225 * torso, 0), (-0.008, 0.268 * torso, 0), 0.092, 0.06,
                  wear.top, (0.8, 1.0, 1.2)),
        ]  # fmt: skip

    def head(self) -> list[Part]:
        size, wear, skin = self._size.head, self._wear, self._skin
        lip = Cloth(colour=(0.62 * wear.skin[0], 0.3 * wear.skin[1], 0.3 * wear.skin[2]))
        white, dark = Cloth(colour=(0.95, 0.95, 0.93), gloss=0.3), Cloth(colour=wear.eyes)
        parts = [
            _part(_NECK, (-0.005, -0.02, 0), (0.01, 0.1, 0), 0.056, 0.05, skin),
            _part(_NECK, (0.018, 0.185, 0), (0.02, 0.2, 0), 0.1, 0.1, skin, (1.0, 1.12, 0.84)),
            _part(_NECK, (0.045, 0.13, 0), (0.062, 0.1, 0), 0.066, 0.042, skin, (1, 1, 0.92)),
            _part(_NECK, (0.11, 0.19, 0), (0.132, 0.16, 0), 0.011, 0.017, skin),
            _part(_NECK, (0.104, 0.122, -0.02), (0.104, 0.122, 0.02), 0.009, 0.009, lip),
        ]
        for sign in (-1, 1):
            eye, ear = sign * 0.035, sign * 0.084
            parts += [
                _part(_NECK, (0.1, 0.197, eye), (0.1, 0.197, eye), 0.016, 0.016, white),
                _part(_NECK, (0.111, 0.197, eye), (0.111, 0.197, eye), 0.0095, 0.0095, dark),
                _part(_NECK, (0.112, 0.224, eye * 0.6), (0.107, 0.222, eye * 1.5), 0.006, 0.005,
                      self._hair),
                _part(_NECK, (0.012, 0.19, ear), (0.008, 0.165, ear), 0.022, 0.014, skin,
                      (1.0, 1.0, 0.6)),
            ]  # fmt: skip
        return [_resized(part, size) for part in (*parts, *self._haircut())]

    def _haircut(self) -> list[Part]:
        hair = self._hair
        cap = [
            _part(_NECK, (-0.006, 0.208, 0), (0.012, 0.222, 0), 0.104, 0.104, hair, (1, 1.1, 0.89)),
            _part(_NECK, (-0.03, 0.15, 0), (-0.03, 0.2, 0), 0.082, 0.09, hair, (1, 1, 0.95)),
        ]
        match self._wear.hair_style:
            case "bald":
                return []
            case "bun":
                return [*cap, _part(_NECK, (-0.12, 0.25, 0), (-0.13, 0.24, 0), 0.05, 0.05, hair)]
            case "long":
                fall = _part(_NECK, (-0.05, 0.2, 0), (-0.09, -0.04, 0), 0.1, 0.065, hair,
                             (0.7, 1, 1))  # fmt: skip
                return [*cap, fall]
            case "tail":
                tail = _part(_NECK, (-0.11, 0.23, 0), (-0.16, 0.0, 0), 0.04, 0.02, hair)
                return [*cap, tail]
            case _:
                return cap

    def limbs(self, sign: int) -> list[Part]:
        """The arm and the leg of the right (1) or left (-1) side."""
        side = "right" if sign > 0 else "left"
        return [*self._arm(side), *self._leg(side)]

    def _arm(self, side: str) -> list[Part]:
        shoulder, elbow = JOINTS.index(f"{side}_shoulder"), JOINTS.index(f"{side}_elbow")
        size, wear, skin = self._size, self._wear, self._skin
        long, thick = size.arms, size.bulk
        upper, fore = 0.2748 * long, 0.2589 * long
        return [
            _part(shoulder, (0, -0.01, 0), (0, -0.01, 0), 0.062 * thick, 0.062 * thick,
                  wear.top if wear.sleeves > 0 else skin),
            *_clothed(shoulder, upper, 0.052 * thick, 0.042 * thick, wear.top, skin,
                      min(1.0, wear.sleeves * 2)),
            *_clothed(elbow, fore, 0.042 * thick, 0.03 * thick, wear.top, skin,
                      max(0.0, wear.sleeves * 2 - 1)),
            _part(elbow, (0, -fore - 0.01, 0), (0.004, -fore - 0.07, 0), 0.028, 0.036, skin,
                  (1, 1, 0.55)),
            _part(elbow, (0.006, -fore - 0.08, 0), (0.014, -fore - 0.155, 0), 0.03, 0.018, skin,
                  (1, 1, 0.5)),
            _part(elbow, (0.022, -fore - 0.02, 0), (0.058, -fore - 0.085, 0), 0.015, 0.011, skin),
        ]  # fmt: skip

    def _leg(self, side: str) -> list[Part]:
        hip, knee, ankle = (JOINTS.index(f"{side}_{name}") for name in ("hip", "knee", "ankle"))
        size, wear, skin = self._size, self._wear, self._skin
        thick = size.bulk
        thigh, shin = 0.4215 * size.legs, 0.4099 * size.legs
        shoe, sole = Cloth(colour=wear.shoes, gloss=0.15), Cloth(colour=wear.soles)
        return [
            *_clothed(hip, thigh, 0.088 * thick, 0.056 * thick, wear.bottoms, skin,
                      min(1.0, wear.trousers * 2)),
            *_clothed(knee, shin, 0.056 * thick, 0.036 * thick, wear.bottoms, skin,
                      max(0.0, wear.trousers * 2 - 1)),
            _part(knee, (-0.018, -0.1, 0), (-0.012, -0.2, 0), 0.05 * thick, 0.045 * thick,
                  wear.bottoms if wear.trousers > 0.75 else skin),
            _part(ankle, (0, 0.01, 0), (0, -0.005, 0), 0.04, 0.04, shoe),
            _part(ankle, (-0.035, -0.012, 0), (0.085, -0.022, 0), 0.042, 0.038, shoe, (1, 1, 0.95)),
            _part(ankle, (0.085, -0.025, 0), (0.15, -0.034, 0), 0.038, 0.026, shoe, (1, 1, 1.1)),
            _part(ankle, (-0.045, -0.052, 0), (0.155, -0.052, 0), 0.022, 0.02, sole, (1, 0.7, 1.9)),
        ]  # fmt: skip


def _clothed(
    joint: int, length: float, thick: float, thin: float, cloth: Cloth, skin: Cloth, covered: float
) -> list[Part]:
    """A limb segment down -y, covered by cloth over its first part."""
    bare = _part(joint, (0, 0, 0), (0, -length, 0), thick, thin, skin)
    if covered <= 0.02:
        return [bare]
    end = thick + (thin - thick) * covered
    sleeve = _part(joint, (0, 0, 0), (0, -length * covered, 0), thick + 0.007, end + 0.007, cloth)
    return [sleeve] if covered >= 0.98 else [bare, sleeve]


def _part(
    joint: int, a: Point, b: Point, radius_a: float, radius_b: float, cloth: Cloth,
    squash: Point = (1.0, 1.0, 1.0),
) -> Part:  # fmt: skip
    return Part(
        joint=joint, a=a, b=b, radius_a=radius_a, radius_b=radius_b, cloth=cloth, squash=squash
    )


def _resized(part: Part, factor: float) -> Part:
    return _part(
        part.joint, _scaled(part.a, factor), _scaled(part.b, factor), part.radius_a * factor,
        part.radius_b * factor, part.cloth, part.squash,
    )  # fmt: skip


def _scaled(values: Point, factor: float) -> Point:
    return (values[0] * factor, values[1] * factor, values[2] * factor)


def contact_points(parts: tuple[Part, ...]) -> tuple[Floats64, tuple[int, ...], Floats64]:
    """Points, joints and thicknesses by which a body can touch the floor."""
    points = [(part.a, part.radius_a, part) for part in parts]
    points += [(part.b, part.radius_b, part) for part in parts]
    return (
        np.array([point for point, _, _ in points]),
        tuple(part.joint for _, _, part in points),
        np.array([radius * part.squash[1] for _, radius, part in points]),
    )
