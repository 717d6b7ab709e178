"""Who can be on the stage: the demo's two people, and anybody at all to train a pose model on.

It does not know how they are drawn.
"""

import colorsys

import numpy as np

from bodyswap.stage.body import Cloth, Colour, Outfit, Pattern, Performer
from bodyswap.stage.kinematics import Proportions

REX = Performer(
    name="rex",
    outfit=Outfit(
        skin=(0.5, 0.34, 0.25),
        hair=(0.07, 0.06, 0.06),
        top=Cloth(
            colour=(0.86, 0.42, 0.1), second=(0.12, 0.12, 0.14), pattern=Pattern.BADGE,
            period_m=0.05,
        ),
        bottoms=Cloth(colour=(0.3, 0.31, 0.34)),
        shoes=(0.12, 0.12, 0.13),
        soles=(0.5, 0.25, 0.1),
    ),
    proportions=Proportions(
        legs=1.09, arms=1.08, torso=1.05, shoulders=1.14, hips=1.05, head=0.98, bulk=1.1
    ),
)  # fmt: skip

VEGA = Performer(
    name="vega",
    outfit=Outfit(
        skin=(0.9, 0.7, 0.58),
        hair=(0.42, 0.13, 0.08),
        top=Cloth(
            colour=(0.08, 0.52, 0.55), second=(0.95, 0.95, 0.92), pattern=Pattern.STRIPES,
            period_m=0.16,
        ),
        bottoms=Cloth(colour=(0.16, 0.14, 0.24)),
        shoes=(0.93, 0.93, 0.95),
        soles=(0.85, 0.3, 0.35),
        belt=(0.75, 0.72, 0.65),
        sleeves=0.5,
        hair_style="bun",
    ),
    proportions=Proportions(
        legs=0.97, arms=0.94, torso=0.95, shoulders=0.9, hips=0.98, head=1.02, bulk=0.88
    ),
)  # fmt: skip

PERFORMERS = {performer.name: performer for performer in (REX, VEGA)}


def random_performer(generator: np.random.Generator) -> Performer:
    """Somebody of any build, skin and dress; the same generator state gives the same person."""
    spread = generator.normal(0.0, 0.07, 7).clip(-0.16, 0.16) + 1
    legs, arms, torso, shoulders, hips, head, bulk = (float(value) for value in spread)
    tone = generator.uniform(0.25, 1.0)
    skin = (0.25 + 0.68 * tone, 0.15 + 0.57 * tone, 0.1 + 0.5 * tone**1.2)
    return Performer(
        name=f"extra-{generator.integers(1 << 30)}",
        outfit=Outfit(
            skin=skin,
            hair=_colour(generator, brightest=0.6),
            top=_cloth(generator),
            bottoms=_cloth(generator),
            shoes=_colour(generator),
            soles=_colour(generator),
            belt=_colour(generator),
            sleeves=float(generator.choice([0.0, 0.3, 0.5, 1.0, 1.0])),
            trousers=float(generator.choice([0.25, 0.5, 1.0, 1.0])),
            hair_style=str(generator.choice(["short", "short", "bun", "long", "tail", "bald"])),
        ),
        proportions=Proportions(
            legs=legs, arms=arms, torso=torso, shoulders=shoulders, hips=hips, head=head,
            bulk=bulk * float(generator.uniform(0.85, 1.25)),
        ),
    )  # fmt: skip


def _cloth(generator: np.random.Generator) -> Cloth:
    return Cloth(
        colour=_colour(generator),
        second=_colour(generator),
        pattern=Pattern(str(generator.choice(list(Pattern), p=[0.5, 0.18, 0.12, 0.1, 0.1]))),
        period_m=float(generator.uniform(0.03, 0.2)),
        gloss=float(generator.uniform(0.0, 0.2)),
    )


def _colour(generator: np.random.Generator, brightest: float = 1.0) -> Colour:
    hue, vivid, bright = generator.uniform([0, 0, 0.05], [1, 0.9, brightest])
    return colorsys.hsv_to_rgb(hue, vivid, bright)
