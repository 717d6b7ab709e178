"""Captured stunts: where the body's root is and how its joints turn, at any time.

It does not know whose body: `kinematics` puts a motion on a performer.
Shape letters: T instants, J joints, 4 = quaternion x, y, z, w, 3 = x forward, y up, z to the right
(metres). Rotations are relative to the parent joint.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation, Slerp

from bodyswap.errors import UsageError

JOINTS = (
    "root", "chest", "neck",
    "right_hip", "right_knee", "right_ankle", "right_shoulder", "right_elbow",
    "left_hip", "left_knee", "left_ankle", "left_shoulder", "left_elbow",
)  # fmt: skip
ARCHIVE = Path(__file__).parent / "motions.npz"

Floats64 = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Motion:
    """A clip of movement. `time_T` rises from 0, in seconds."""

    name: str
    time_T: Floats64
    root_T3: Floats64
    rotation_TJ4: Floats64

    def __post_init__(self) -> None:
        count = len(self.time_T)
        if self.root_T3.shape != (count, 3) or self.rotation_TJ4.shape != (count, len(JOINTS), 4):
            raise ValueError(f"motion '{self.name}' has arrays of different lengths")

    def __len__(self) -> int:
        return len(self.time_T)

    @property
    def duration_s(self) -> float:
        return float(self.time_T[-1])

    def at(self, times_s: Floats64) -> "Motion":
        """The motion at other instants, clipped to its ends: positions linear, rotations slerp."""
        times = np.clip(times_s, 0.0, self.duration_s)
        root = np.stack([np.interp(times, self.time_T, axis) for axis in self.root_T3.T], axis=1)
        rotations = [
            Slerp(self.time_T, Rotation.from_quat(self.rotation_TJ4[:, joint]))(times).as_quat()
            for joint in range(len(JOINTS))
        ]
        return replace(self, time_T=times_s, root_T3=root, rotation_TJ4=np.stack(rotations, axis=1))

    def at_rate(self, rate: Fraction) -> "Motion":
        """The motion as a camera of `rate` frames a second sees it."""
        count = int(self.duration_s * rate) + 1
        return self.at(np.arange(count) / float(rate))

    def turned(self, yaw_rad: float) -> "Motion":
        """The motion heading elsewhere, its path centred on the floor's origin."""
        centre = (self.root_T3.max(axis=0) + self.root_T3.min(axis=0)) / 2 * np.array([1, 0, 1])
        turn = Rotation.from_euler("y", yaw_rad)
        rotation = self.rotation_TJ4.copy()
        rotation[:, 0] = (turn * Rotation.from_quat(rotation[:, 0])).as_quat()
        return replace(self, root_T3=turn.apply(self.root_T3 - centre), rotation_TJ4=rotation)

    def mirrored(self) -> "Motion":
        """The motion seen in a mirror: left does what right did."""
        swap = [_mirror_joint(name) for name in JOINTS]
        return replace(
            self,
            name=f"{self.name}-mirrored",
            root_T3=self.root_T3 * np.array([1, 1, -1]),
            rotation_TJ4=self.rotation_TJ4[:, swap] * np.array([-1, -1, 1, 1]),
        )

    def going_on(self, count: int) -> "Motion":
        """The motion `count` times over, each beginning where the last one ended."""
        step_3 = (self.root_T3[-1] - self.root_T3[0]) * np.array([1, 0, 1])
        beat = self.duration_s + 1 / 30
        return Motion(
            name=f"{self.name}x{count}",
            time_T=np.concatenate([self.time_T + turn * beat for turn in range(count)]),
            root_T3=np.concatenate([self.root_T3 + turn * step_3 for turn in range(count)]),
            rotation_TJ4=np.concatenate([self.rotation_TJ4] * count),
        )

    def then(self, other: "Motion") -> "Motion":
        """This motion and `other` right after it."""
        return Motion(
            name=f"{self.name}+{other.name}",
            time_T=np.concatenate([self.time_T, other.time_T + self.duration_s + 1 / 30]),
            root_T3=np.concatenate([self.root_T3, other.root_T3]),
            rotation_TJ4=np.concatenate([self.rotation_TJ4, other.rotation_TJ4]),
        )


@cache
def motion_names() -> tuple[str, ...]:
    """The clips that ship with the stage."""
    with np.load(ARCHIVE, allow_pickle=False) as archive:
        return tuple(sorted({key.partition("/")[0] for key in archive.files}))


def load_motion(name: str) -> Motion:
    """The clip called `name`. Raises UsageError where there is none."""
    if name not in motion_names():
        raise UsageError(f"motion '{name}' is unknown; known: {', '.join(motion_names())}")
    with np.load(ARCHIVE, allow_pickle=False) as archive:
        return Motion(
            name=name,
            time_T=archive[f"{name}/time"].astype(np.float64),
            root_T3=archive[f"{name}/root"].astype(np.float64),
            rotation_TJ4=archive[f"{name}/rotation"].astype(np.float64),
        )


def _mirror_joint(name: str) -> int:
    side, _, rest = name.partition("_")
    other = {"left": "right", "right": "left"}.get(side)
    return JOINTS.index(f"{other}_{rest}" if other else name)
