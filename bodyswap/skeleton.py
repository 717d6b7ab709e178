"""Skeletons: which joints a pose has, the limbs between them, and what mirrors what.

Joints are called, and come in the order, that MMPose's data sets have them in. It does not know
anybody's pose; `people` holds those.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from bodyswap.errors import ModelError

Floats = npt.NDArray[np.float32]
Limb = tuple[str, str]


class Part(Enum):
    """A part of a person, and how thick its limbs are drawn, of a thigh's thickness."""

    BODY = ("body", 1.0)
    FEET = ("feet", 0.6)
    FACE = ("face", 0.3)
    LEFT_HAND = ("left hand", 0.3)
    RIGHT_HAND = ("right hand", 0.3)

    def __init__(self, label: str, thickness: float) -> None:
        self.label = label
        self.thickness = thickness

    @property
    def is_fine(self) -> bool:
        """True for parts so small in a picture that their limbs share channels of a pose map."""
        return self in (Part.FACE, Part.LEFT_HAND, Part.RIGHT_HAND)


@dataclass(frozen=True, kw_only=True)
class Skeleton:
    """Named joints, the limbs between them, and the mirror image of each joint.

    `channels_of_limbs` tells which channel of a pose map each limb is drawn in: limbs of the body
    and the feet have one each; fingers that are not neighbours share one, and so do parts of the
    face that never meet.
    """

    name: str
    joints: tuple[str, ...]
    limbs: tuple[Limb, ...]
    mirrored: tuple[int, ...]
    parts_of_joints: tuple[Part, ...]
    channels_of_limbs: tuple[int, ...]

    def joint(self, name: str) -> int:
        """Where the joint is. Raises ModelError where the skeleton has none of that name."""
        if name not in self.joints:
            raise ModelError(f"skeleton '{self.name}' has no joint '{name}'")
        return self.joints.index(name)

    def those_of(self, names: Iterable[str]) -> tuple[int, ...]:
        """Where those of the named joints are that it has."""
        return tuple(self.joint(name) for name in names if name in self.joints)

    @cached_property
    def limb_indices(self) -> tuple[tuple[int, int], ...]:
        return tuple((self.joint(a), self.joint(b)) for a, b in self.limbs)

    @cached_property
    def parts_of_limbs(self) -> tuple[Part, ...]:
        """Each limb's part: that of the joint it leads to."""
        return tuple(self.parts_of_joints[end] for _, end in self.limb_indices)

    @cached_property
    def body(self) -> tuple[int, ...]:
        """The joints that tell whether, and where, somebody is: not their feet, face or hands."""
        return self.of(Part.BODY)

    def of(self, *parts: Part) -> tuple[int, ...]:
        """The joints of these parts."""
        return tuple(index for index, part in enumerate(self.parts_of_joints) if part in parts)

    @property
    def channels(self) -> int:
        """How many channels this skeleton's pose map has."""
        return max(self.channels_of_limbs) + 1


def find_skeleton(name: str) -> Skeleton:
    """The skeleton called `name`. Raises ModelError where there is none."""
    if name not in SKELETONS:
        raise ModelError(f"skeleton '{name}' is unknown; known: {', '.join(sorted(SKELETONS))}")
    return SKELETONS[name]


def _sides(*names: str) -> tuple[str, ...]:
    return tuple(f"{side}_{name}" for name in names for side in ("left", "right"))


def _chain(joints: Iterable[str]) -> list[Limb]:
    return list(pairwise(joints))


def _mirrored(joints: tuple[str, ...]) -> tuple[int, ...]:
    swapped = {"left": "right", "right": "left"}
    names = (joint.partition("_") for joint in joints)
    images = ("".join((swapped.get(side, side), *rest)) for side, *rest in names)
    return tuple(joints.index(_FACE_MIRRORED.get(image, image)) for image in images)


def _face(*numbers: int) -> tuple[str, ...]:
    return tuple(f"face-{number}" for number in numbers)


_BELOW_NECK = _sides("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
_BODY = ("nose", *_sides("eye", "ear"), *_BELOW_NECK)
_LIMBS_BELOW_NECK: tuple[Limb, ...] = (
    ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"),
    ("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist"),
    ("left_hip", "left_knee"), ("left_knee", "left_ankle"),
    ("right_hip", "right_knee"), ("right_knee", "right_ankle"),
    ("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"),
    ("left_shoulder", "left_hip"), ("right_shoulder", "right_hip"),
)  # fmt: skip
_BODY_LIMBS: tuple[Limb, ...] = (
    *_LIMBS_BELOW_NECK,
    ("nose", "left_eye"), ("nose", "right_eye"),
    ("left_eye", "left_ear"), ("right_eye", "right_ear"),
    ("left_ear", "left_shoulder"), ("right_ear", "right_shoulder"),
)  # fmt: skip

_SPINE_LIMBS: tuple[Limb, ...] = (("neck", "head"), ("neck", "hip"))

_FEET = ("big_toe", "small_toe", "heel")
_FEET_LIMBS: tuple[Limb, ...] = tuple(
    (f"{side}_ankle", f"{side}_{end}") for side in ("left", "right") for end in _FEET
)

_FACE_MIRRORS = (
    *zip(range(8), range(16, 8, -1), strict=True),  # the jaw
    *zip(range(17, 22), range(26, 21, -1), strict=True),  # the brows
    (31, 35), (32, 34),  # the nostrils
    (36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46),  # the eyes
    (48, 54), (49, 53), (50, 52), (55, 59), (56, 58), (60, 64), (61, 63), (65, 67),  # the lips
)  # fmt: skip
_FACE_MIRRORED = {
    f"face-{one}": f"face-{other}" for pair in _FACE_MIRRORS for one, other in (pair, pair[::-1])
}
_FACE_LINES: tuple[tuple[tuple[str, ...], ...], ...] = (
    (_face(*range(17)), _face(*range(27, 31)), _face(*range(31, 36))),
    (
        _face(*range(17, 22)), _face(*range(22, 27)),
        _face(*range(36, 42), 36), _face(*range(42, 48), 42),
    ),
    (_face(*range(48, 60), 48), _face(*range(60, 68), 60)),
)  # fmt: skip
"""Jaw and nose; brows and eyes; lips: each a channel."""

_FINGERS = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")


def _hand(side: str) -> tuple[str, ...]:
    ends = (f"{finger}{number}" for finger in _FINGERS for number in range(1, 5))
    return tuple(f"{side}_{end}" for end in ("hand_root", *ends))


def _finger(side: str, finger: str) -> tuple[str, ...]:
    numbered = (f"{finger}{number}" for number in range(1, 5))
    return tuple(f"{side}_{end}" for end in ("hand_root", *numbered))


def _hand_lines(side: str) -> list[list[tuple[str, ...]]]:
    """Every other finger in a channel, so that neighbours are told apart."""
    fingers = [_finger(side, finger) for finger in _FINGERS]
    return [fingers[0::2], fingers[1::2]]


def _whole_body() -> Skeleton:
    own = (*_BODY_LIMBS, *_FEET_LIMBS)
    shared = [*map(list, _FACE_LINES), *_hand_lines("left"), *_hand_lines("right")]
    limbs, channels = list(own), list(range(len(own)))
    for channel, lines in enumerate(shared, start=len(own)):
        drawn = [limb for line in lines for limb in _chain(line)]
        limbs += drawn
        channels += [channel] * len(drawn)
    feet = tuple(f"{side}_{end}" for side in ("left", "right") for end in _FEET)
    joints = (*_BODY, *feet, *_face(*range(68)), *_hand("left"), *_hand("right"))
    parts = [Part.BODY] * 17 + [Part.FEET] * 6 + [Part.FACE] * 68
    return Skeleton(
        name="coco-wholebody-133",
        joints=joints,
        limbs=tuple(limbs),
        mirrored=_mirrored(joints),
        parts_of_joints=(*parts, *[Part.LEFT_HAND] * 21, *[Part.RIGHT_HAND] * 21),
        channels_of_limbs=tuple(channels),
    )


def _each_its_channel(
    name: str, joints: tuple[str, ...], limbs: tuple[Limb, ...], feet: int
) -> Skeleton:
    """A skeleton whose last `feet` joints are the feet's."""
    return Skeleton(
        name=name,
        joints=joints,
        limbs=limbs,
        mirrored=_mirrored(joints),
        parts_of_joints=(Part.BODY,) * (len(joints) - feet) + (Part.FEET,) * feet,
        channels_of_limbs=tuple(range(len(limbs))),
    )


COCO_17 = _each_its_channel("coco-17", _BODY, _BODY_LIMBS, feet=0)

HALPE_26 = _each_its_channel(
    "halpe-26",
    (*_BODY, "head", "neck", "hip", *_sides(*_FEET)),
    (*_BODY_LIMBS, *_SPINE_LIMBS, *_FEET_LIMBS),
    feet=6,
)

COCO_WHOLEBODY_133 = _whole_body()

BODY_13 = _each_its_channel(
    "body-13",
    ("nose", *_BELOW_NECK),
    (*_LIMBS_BELOW_NECK, ("nose", "left_shoulder"), ("nose", "right_shoulder")),
    feet=0,
)
"""COCO-17 without eyes and ears, for models that do not tell them."""

SKELETONS = {
    skeleton.name: skeleton for skeleton in (COCO_17, HALPE_26, COCO_WHOLEBODY_133, BODY_13)
}
