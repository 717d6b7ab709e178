"""Skeletons: which joints a pose has, the limbs between them, and what mirrors what.

It does not know anybody's pose; `people` holds those.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bodyswap.errors import ModelError

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Skeleton:
    """Named joints, the limbs between them, and the mirror image of each joint."""

    name: str
    joints: tuple[str, ...]
    limbs: tuple[tuple[str, str], ...]
    mirrored: tuple[int, ...]

    def joint(self, name: str) -> int:
        return self.joints.index(name)

    @property
    def limb_indices(self) -> tuple[tuple[int, int], ...]:
        return tuple((self.joint(a), self.joint(b)) for a, b in self.limbs)


COCO_17 = Skeleton(
    name="coco-17",
    joints=(
        "nose", "left_eye", "right_eye", "left_ear", "right_ear",
        "left_shoulder", "right_shoulder", "left_elbow", "right_elbow",
        "left_wrist", "right_wrist", "left_hip", "right_hip",
        "left_knee", "right_knee", "left_ankle", "right_ankle",
    ),
    limbs=(
        ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"),
        ("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist"),
        ("left_hip", "left_knee"), ("left_knee", "left_ankle"),
        ("right_hip", "right_knee"), ("right_knee", "right_ankle"),
        ("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"),
        ("left_shoulder", "left_hip"), ("right_shoulder", "right_hip"),
        ("nose", "left_eye"), ("nose", "right_eye"),
        ("left_eye", "left_ear"), ("right_eye", "right_ear"),
        ("left_ear", "left_shoulder"), ("right_ear", "right_shoulder"),
    ),
    mirrored=(0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15),
)  # fmt: skip

SKELETONS = {skeleton.name: skeleton for skeleton in (COCO_17,)}


def find_skeleton(name: str) -> Skeleton:
    """The skeleton called `name`. Raises ModelError where there is none."""
    if name not in SKELETONS:
        raise ModelError(f"skeleton '{name}' is unknown; known: {', '.join(sorted(SKELETONS))}")
    return SKELETONS[name]
