"""Skeletons, and the poses people take in them.

Shape letters: N frames, M detections, K joints, 2 = x and y in pixels (the centre of the top-left
pixel is 0, 0). Confidence lies in [0, 1]; 0 means the joint is absent.
"""

import io
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from bodyswap.errors import ModelError
from bodyswap.timing import FrameRange

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


@dataclass(frozen=True, kw_only=True)
class Detections:
    """What the pose pass saw over a frame range: any number of people in each frame.

    `frame_M` holds the plate's frame index of each detection, ascending; boxes are x0, y0, x1, y1.
    """

    skeleton: Skeleton
    frames: FrameRange
    frame_M: npt.NDArray[np.int64]
    keypoints_MK2: Floats
    confidence_MK: Floats
    box_M4: Floats

    def __post_init__(self) -> None:
        count, joints = len(self.frame_M), len(self.skeleton.joints)
        _check_shape("keypoints", self.keypoints_MK2, (count, joints, 2))
        _check_shape("confidence", self.confidence_MK, (count, joints))
        _check_shape("boxes", self.box_M4, (count, 4))

    @classmethod
    def joined(cls, parts: "list[Detections]") -> "Detections":
        """The detections of consecutive ranges as one."""
        parts = sorted(parts, key=lambda part: part.frames)
        return cls(
            skeleton=parts[0].skeleton,
            frames=FrameRange(start=parts[0].frames.start, stop=parts[-1].frames.stop),
            frame_M=np.concatenate([part.frame_M for part in parts]),
            keypoints_MK2=np.concatenate([part.keypoints_MK2 for part in parts]),
            confidence_MK=np.concatenate([part.confidence_MK for part in parts]),
            box_M4=np.concatenate([part.box_M4 for part in parts]),
        )

    def to_bytes(self) -> bytes:
        return _pack(
            self.skeleton,
            frames=np.array([self.frames.start, self.frames.stop]),
            frame=self.frame_M,
            keypoints=self.keypoints_MK2,
            confidence=self.confidence_MK,
            box=self.box_M4,
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        skeleton, arrays = _unpack(data)
        start, stop = (int(value) for value in arrays["frames"])
        return cls(
            skeleton=skeleton,
            frames=FrameRange(start=start, stop=stop),
            frame_M=arrays["frame"].astype(np.int64),
            keypoints_MK2=arrays["keypoints"].astype(np.float32),
            confidence_MK=arrays["confidence"].astype(np.float32),
            box_M4=arrays["box"].astype(np.float32),
        )


@dataclass(frozen=True, kw_only=True)
class PoseSequence:
    """One person's pose in every frame of `frames`; joints of confidence 0 are absent."""

    skeleton: Skeleton
    frames: FrameRange
    keypoints_NK2: Floats
    confidence_NK: Floats

    def __post_init__(self) -> None:
        count, joints = len(self.frames), len(self.skeleton.joints)
        _check_shape("keypoints", self.keypoints_NK2, (count, joints, 2))
        _check_shape("confidence", self.confidence_NK, (count, joints))

    def __len__(self) -> int:
        return len(self.frames)

    def cut(self, frames: FrameRange) -> "PoseSequence":
        """The part of this sequence over `frames`, which must lie inside it."""
        low, high = frames.start - self.frames.start, frames.stop - self.frames.start
        return PoseSequence(
            skeleton=self.skeleton,
            frames=frames,
            keypoints_NK2=self.keypoints_NK2[low:high],
            confidence_NK=self.confidence_NK[low:high],
        )

    def to_bytes(self) -> bytes:
        return _pack(
            self.skeleton,
            frames=np.array([self.frames.start, self.frames.stop]),
            keypoints=self.keypoints_NK2,
            confidence=self.confidence_NK,
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        skeleton, arrays = _unpack(data)
        start, stop = (int(value) for value in arrays["frames"])
        return cls(
            skeleton=skeleton,
            frames=FrameRange(start=start, stop=stop),
            keypoints_NK2=arrays["keypoints"].astype(np.float32),
            confidence_NK=arrays["confidence"].astype(np.float32),
        )


def _check_shape(name: str, array: Floats, expected: tuple[int, ...]) -> None:
    if array.shape != expected:
        raise ValueError(f"{name} have shape {array.shape}, expected {expected}")


def _pack(skeleton: Skeleton, **arrays: npt.NDArray[np.generic]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, skeleton=np.array(skeleton.name), **arrays)
    return buffer.getvalue()


def _unpack(data: bytes) -> tuple[Skeleton, dict[str, npt.NDArray[np.generic]]]:
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return find_skeleton(str(arrays.pop("skeleton"))), arrays
