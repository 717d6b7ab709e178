"""People as frames show them: everyone a pose pass saw, and one person's pose in every frame.

It does not know how either was found.

Shape letters: N frames, M detections, K joints, D appearance values, 2 = x and y in pixels (the
centre of the top-left pixel is 0, 0). Confidence lies in [0, 1]; 0 means the joint is absent.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt

from bodyswap.homography import Homographies
from bodyswap.skeleton import Floats, Skeleton, find_skeleton
from bodyswap.timing import FrameRange

Mask = npt.NDArray[np.bool_]


class Presence(IntEnum):
    """What a frame's pose record rests on: the frame itself, its neighbours, or nothing."""

    ABSENT = 0
    INTERPOLATED = 1
    PRESENT = 2


@dataclass(frozen=True, kw_only=True)
class Detections:
    """What the pose pass saw over a frame range: any number of people in each frame.

    `frame_M` holds the plate's frame index of each detection, ascending; boxes are x0, y0, x1, y1.
    `appearance_MD` tells people apart by how they look (see `keypoints.appearance`); None where
    nobody looked, NaN where a value could not be seen. `camera_N33` takes the next frame's
    background to each frame's own (see `homography`); None where the camera was not watched.
    `cuts` are the frames before which the picture is cut.
    """

    skeleton: Skeleton
    frames: FrameRange
    frame_M: npt.NDArray[np.int64]
    keypoints_MK2: Floats
    confidence_MK: Floats
    box_M4: Floats
    appearance_MD: Floats | None = None
    camera_N33: Homographies | None = None
    cuts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        count, joints = len(self.frame_M), len(self.skeleton.joints)
        _check_shape("keypoints", self.keypoints_MK2, (count, joints, 2))
        _check_shape("confidence", self.confidence_MK, (count, joints))
        _check_shape("boxes", self.box_M4, (count, 4))
        if self.appearance_MD is not None and len(self.appearance_MD) != count:
            raise ValueError(f"{len(self.appearance_MD)} appearances came with {count} people")
        if self.camera_N33 is not None:
            _check_shape("camera motions", self.camera_N33, (len(self.frames), 3, 3))

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
            appearance_MD=_joined_appearance(parts),
            camera_N33=_joined_camera(parts),
            cuts=tuple(cut for part in parts for cut in part.cuts),
        )

    def camera_over(self, frames: FrameRange) -> Homographies | None:
        """The camera's motion over a part of the range."""
        if self.camera_N33 is None:
            return None
        return self.camera_N33[frames.start - self.frames.start : frames.stop - self.frames.start]

    def to_bytes(self) -> bytes:
        return _pack(
            self.skeleton,
            frames=np.array([self.frames.start, self.frames.stop]),
            frame=self.frame_M,
            keypoints=self.keypoints_MK2,
            confidence=self.confidence_MK,
            box=self.box_M4,
            cuts=np.array(self.cuts, np.int64),
            **({} if self.appearance_MD is None else {"appearance": self.appearance_MD}),
            **({} if self.camera_N33 is None else {"camera": self.camera_N33}),
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
            appearance_MD=(
                arrays["appearance"].astype(np.float32) if "appearance" in arrays else None
            ),
            camera_N33=arrays["camera"].astype(np.float64) if "camera" in arrays else None,
            cuts=_read_cuts(arrays),
        )


@dataclass(frozen=True, kw_only=True)
class PoseSequence:
    """One person's pose in every frame of `frames`; joints of confidence 0 are absent.

    `filled_NK` marks joints that were not seen in their frame but follow from its neighbours; None
    where there are none. `cuts` are the frames before which the picture is cut: nothing of a person
    carries over.
    """

    skeleton: Skeleton
    frames: FrameRange
    keypoints_NK2: Floats
    confidence_NK: Floats
    filled_NK: Mask | None = None
    cuts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        count, joints = len(self.frames), len(self.skeleton.joints)
        _check_shape("keypoints", self.keypoints_NK2, (count, joints, 2))
        _check_shape("confidence", self.confidence_NK, (count, joints))
        if self.filled_NK is not None:
            _check_shape("filled", self.filled_NK, (count, joints))

    @classmethod
    def joined(cls, parts: "Sequence[PoseSequence]") -> "PoseSequence":
        """Consecutive sequences as one; where they meet there is a cut."""
        filled = [part.filled_NK for part in parts]
        return cls(
            skeleton=parts[0].skeleton,
            frames=FrameRange(start=parts[0].frames.start, stop=parts[-1].frames.stop),
            keypoints_NK2=np.concatenate([part.keypoints_NK2 for part in parts]),
            confidence_NK=np.concatenate([part.confidence_NK for part in parts]),
            filled_NK=None if all(each is None for each in filled) else np.concatenate(
                [np.zeros(part.confidence_NK.shape, bool) if part.filled_NK is None
                 else part.filled_NK for part in parts]
            ),
            cuts=tuple(part.frames.start for part in parts[1:]),
        )  # fmt: skip

    @property
    def scenes(self) -> "tuple[PoseSequence, ...]":
        """What lies between cuts, each part for itself."""
        bounds = [self.frames.start, *self.cuts, self.frames.stop]
        return tuple(
            self.cut(FrameRange(start=start, stop=stop)) for start, stop in pairwise(bounds)
        )

    @property
    def presence_N(self) -> npt.NDArray[np.int8]:
        """Each frame's `Presence`: interpolated where every joint it has was filled."""
        there_NK = self.confidence_NK > 0
        seen_NK = there_NK if self.filled_NK is None else there_NK & ~self.filled_NK
        filled_N = np.where(there_NK.any(axis=1), Presence.INTERPOLATED, Presence.ABSENT)
        return np.where(seen_NK.any(axis=1), Presence.PRESENT, filled_N).astype(np.int8)

    def __len__(self) -> int:
        return len(self.frames)

    def cut(self, frames: FrameRange) -> "PoseSequence":
        """The part of this sequence over `frames`, which must lie inside it."""
        low, high = frames.start - self.frames.start, frames.stop - self.frames.start
        return replace(
            self,
            frames=frames,
            keypoints_NK2=self.keypoints_NK2[low:high],
            confidence_NK=self.confidence_NK[low:high],
            filled_NK=None if self.filled_NK is None else self.filled_NK[low:high],
            cuts=tuple(cut for cut in self.cuts if frames.start < cut < frames.stop),
        )

    def to_bytes(self) -> bytes:
        return _pack(
            self.skeleton,
            frames=np.array([self.frames.start, self.frames.stop]),
            keypoints=self.keypoints_NK2,
            confidence=self.confidence_NK,
            cuts=np.array(self.cuts, np.int64),
            **({} if self.filled_NK is None else {"filled": self.filled_NK}),
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
            filled_NK=arrays["filled"].astype(np.bool_) if "filled" in arrays else None,
            cuts=_read_cuts(arrays),
        )


def _joined_appearance(parts: list[Detections]) -> Floats | None:
    """Of all parts; None where one of them that saw somebody did not look."""
    looks = [part.appearance_MD for part in parts if len(part.frame_M)]
    known = [look for look in looks if look is not None]
    return np.concatenate(known) if known and len(known) == len(looks) else None


def _joined_camera(parts: list[Detections]) -> Homographies | None:
    """Of all parts; None where one of them was not watched."""
    known = [part.camera_N33 for part in parts if part.camera_N33 is not None]
    return np.concatenate(known) if len(known) == len(parts) else None


def _read_cuts(arrays: Mapping[str, npt.NDArray[np.generic]]) -> tuple[int, ...]:
    return tuple(int(cut) for cut in arrays["cuts"].tolist()) if "cuts" in arrays else ()


def _check_shape(name: str, array: npt.NDArray[np.generic], expected: tuple[int, ...]) -> None:
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
