"""poses.npz: one performer's poses in a plate, for people and other tools to judge and correct.

An archive of plain arrays, no pickles. It is read back with everything checked, joints by name:

    keypoints   float32 [frames, joints, 3]   x px, y px in the plate, confidence in [0, 1]
    present     bool    [frames]              False: nobody is there, whatever the keypoints say
    presence    int8    [frames]              0 absent, 1 interpolated, 2 present; not read back
    filled      bool    [frames, joints]      optional: joints that follow from other frames
    camera      float64 [frames, 3, 3]        optional: from the next frame's pixels to its own
    pts         int64   [frames]              when each frame is shown, in ticks
    time_base   int64   [2]                   a tick in seconds: numerator, denominator
    frames      int64   [frames]              frame numbers, the plate's first being 1001
    joints      text    [joints]              joint names
    skeleton    text                          the skeleton's name
    width, height   int64                     the plate's size in px

A joint of confidence 0 is absent; where it would be may then be anything. The centre of the
top-left pixel is 0, 0. It does not know who chose the performer. Shape letters: N frames, K joints.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bodyswap.errors import ModelError, UsageError
from bodyswap.homography import Homographies
from bodyswap.people import Mask, PoseSequence
from bodyswap.skeleton import Skeleton, find_skeleton
from bodyswap.timing import FIRST_FRAME_NUMBER, FrameRange, Timeline

POSE_FILE = "poses.npz"

Arrays = Mapping[str, npt.NDArray[np.generic]]
Numbers = npt.NDArray[np.float64]

_NEEDED = (
    "keypoints", "present", "pts", "time_base", "frames", "joints", "skeleton", "width", "height",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PoseFile:
    """What poses.npz holds: `poses` in pixels of the `width` x `height` plate, and their times.

    `first_number` is what people call the plate's first frame.
    """

    poses: PoseSequence
    pts: tuple[int, ...]
    time_base: Fraction
    width: int
    height: int
    camera_N33: Homographies | None = None
    first_number: int = FIRST_FRAME_NUMBER

    def on_plate(
        self, timeline: Timeline, frames: FrameRange, *, width: int, height: int
    ) -> "PoseFile":
        """The part about `frames` of the plate that has this timeline and size.

        Raises:
            UsageError: they were not made of that plate, or do not cover those frames.
        """
        made, last = self.poses.frames, len(timeline)
        told = made.numbered(self.first_number)
        if (self.width, self.height) != (width, height):
            raise UsageError(
                f"poses are of a {self.width}x{self.height} plate, but this one is"
                f" {width}x{height}; give the poses of this plate"
            )
        if made.stop > last:
            raise UsageError(
                f"poses are of frames {told}, but the plate has {self.first_number}-"
                f"{self.first_number + last - 1}; give the poses of this plate"
            )
        if frames.start < made.start or frames.stop > made.stop:
            raise UsageError(
                f"poses are of frames {told}, but {frames.numbered(self.first_number)} are to be"
                f" rendered; pose them too, or add --frames {told}"
            )
        self._check_times(timeline)
        part = slice(frames.start - made.start, frames.stop - made.start)
        return replace(
            self,
            poses=self.poses.cut(frames),
            pts=self.pts[part],
            camera_N33=None if self.camera_N33 is None else self.camera_N33[part],
        )

    def _check_times(self, timeline: Timeline) -> None:
        made = self.poses.frames
        for frame, pts in zip(made, self.pts, strict=True):
            shown_s, told_s = timeline.pts[frame] * timeline.time_base, pts * self.time_base
            if shown_s != told_s:
                raise UsageError(
                    f"poses say that frame {frame + self.first_number} is shown at"
                    f" {float(told_s):.4f} s, the plate says {float(shown_s):.4f} s; give the poses"
                    " of this plate, their pts as `bodyswap pose` wrote them"
                )


def write_pose_file(
    path: Path,
    poses: PoseSequence,
    timeline: Timeline,
    *,
    width: int,
    height: int,
    camera_N33: Homographies | None = None,
    first_number: int = FIRST_FRAME_NUMBER,
) -> None:
    """Write the poses, of a plate of this timeline and size; the same poses give the same bytes."""
    frames, presence_N = poses.frames, poses.presence_N
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "keypoints": np.concatenate(
            [poses.keypoints_NK2, poses.confidence_NK[:, :, None]], axis=2
        ).astype(np.float32),
        "present": presence_N > 0,
        "presence": presence_N,
        "pts": np.array(timeline.pts[frames.start : frames.stop], np.int64),
        "time_base": np.array([timeline.time_base.numerator, timeline.time_base.denominator]),
        "frames": np.arange(frames.start, frames.stop) + first_number,
        "joints": np.array(poses.skeleton.joints),
        "skeleton": np.array(poses.skeleton.name),
        "width": np.array(width),
        "height": np.array(height),
    }
    if poses.filled_NK is not None:
        arrays["filled"] = poses.filled_NK
    if camera_N33 is not None:
        arrays["camera"] = camera_N33
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_pose_file(path: Path, first_number: int = FIRST_FRAME_NUMBER) -> PoseFile:
    """What the file holds, with everything checked that can be without the plate.

    `first_number` is what the file calls the plate's first frame.

    Raises:
        UsageError: it is not such a file, or what it holds cannot be meant.
    """
    arrays = _arrays(path)
    if missing := [name for name in _NEEDED if name not in arrays]:
        raise UsageError(f"{path} lacks {', '.join(missing)}; `bodyswap pose` writes them all")
    skeleton, order = _joints(arrays, path)
    frames = _frames(arrays, path, first_number)
    count, joints = len(frames), len(skeleton.joints)
    keypoints_NK3 = _numbers(arrays, "keypoints", (count, joints, 3), path)[:, order]
    present_N = _numbers(arrays, "present", (count,), path) != 0
    xy_NK2, confidence_NK = keypoints_NK3[:, :, :2], keypoints_NK3[:, :, 2]
    _check_values(xy_NK2, confidence_NK, frames.start + first_number, skeleton, path)
    there_NK = (confidence_NK > 0) & present_N[:, None]
    known_NK2 = np.where(np.isfinite(xy_NK2), xy_NK2, 0.0)
    time_base = _whole(arrays, "time_base", (2,), path)
    if min(time_base) < 1:
        raise UsageError(f"{path}: time_base is {time_base}; both numbers are at least 1")
    return PoseFile(
        poses=PoseSequence(
            skeleton=skeleton,
            frames=frames,
            keypoints_NK2=known_NK2.astype(np.float32),
            confidence_NK=np.where(there_NK, confidence_NK, 0.0).astype(np.float32),
            filled_NK=_filled(arrays, there_NK, order, path),
        ),
        pts=tuple(_whole(arrays, "pts", (count,), path)),
        time_base=Fraction(*time_base),
        width=_whole(arrays, "width", (), path)[0],
        height=_whole(arrays, "height", (), path)[0],
        camera_N33=_camera(arrays, count, path),
        first_number=first_number,
    )


def _arrays(path: Path) -> Arrays:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise UsageError(f"poses '{path}' are not there; `bodyswap pose` makes them") from error
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise UsageError(
            f"'{path}' cannot be read as poses: not an .npz archive of plain arrays"
        ) from error


def _joints(arrays: Arrays, path: Path) -> tuple[Skeleton, list[int]]:
    """The skeleton, and where in the file each of its joints is."""
    try:
        skeleton = find_skeleton(str(arrays["skeleton"]))
    except ModelError as error:
        raise UsageError(f"{path}: {error}") from error
    names = [str(name) for name in arrays["joints"].reshape(-1)]
    if missing := [joint for joint in skeleton.joints if joint not in names]:
        raise UsageError(f"{path} lacks {skeleton.name}'s joints {', '.join(missing)}")
    if len(names) != len(skeleton.joints):
        extra = sorted(set(names) - set(skeleton.joints)) or "a joint twice"
        raise UsageError(f"{path} has {extra}, which {skeleton.name} has not")
    return skeleton, [names.index(joint) for joint in skeleton.joints]


def _frames(arrays: Arrays, path: Path, first_number: int) -> FrameRange:
    numbers = arrays["frames"]
    if numbers.ndim != 1 or not numbers.size or numbers.dtype.kind not in "iu":
        raise UsageError(f"{path}: frames have shape {numbers.shape}; give a number for each frame")
    first, last = int(numbers[0]), int(numbers[-1])
    if first < first_number or not np.array_equal(numbers, np.arange(first, last + 1)):
        raise UsageError(
            f"{path}: frames {first}…{last} do not follow one another, each once, from"
            f" {first_number} or later"
        )
    return FrameRange(start=first - first_number, stop=last + 1 - first_number)


def _numbers(arrays: Arrays, name: str, shape: tuple[int, ...], path: Path) -> Numbers:
    found = arrays[name]
    if found.shape != shape:
        raise UsageError(f"{path}: {name} has shape {list(found.shape)}, expected {list(shape)}")
    if found.dtype.kind not in "biuf":
        raise UsageError(f"{path}: {name} holds {found.dtype}, expected numbers")
    return found.astype(np.float64)


def _whole(arrays: Arrays, name: str, shape: tuple[int, ...], path: Path) -> list[int]:
    _numbers(arrays, name, shape, path)
    if arrays[name].dtype.kind not in "iu":
        raise UsageError(f"{path}: {name} holds {arrays[name].dtype}, expected whole numbers")
    return [int(value) for value in arrays[name].reshape(-1)]


def _check_values(
    xy_NK2: Numbers,
    confidence_NK: Numbers,
    first: int,
    skeleton: Skeleton,
    path: Path,
) -> None:
    bounded_NK = (confidence_NK >= 0) & (confidence_NK <= 1)
    placed_NK = np.isfinite(xy_NK2).all(axis=2) | ~(confidence_NK > 0)
    for wrong_NK, what in (
        (~bounded_NK, "confidence is not within 0 and 1"),
        (~placed_NK, "x or y is not a finite number, though its confidence is above 0"),
    ):
        if wrong_NK.any():
            row, joint = (int(value[0]) for value in np.nonzero(wrong_NK))
            raise UsageError(f"{path}: {skeleton.joints[joint]} of frame {first + row}: {what}")


def _camera(arrays: Arrays, count: int, path: Path) -> Homographies | None:
    if "camera" not in arrays:
        return None
    camera_N33 = _numbers(arrays, "camera", (count, 3, 3), path)
    if not np.isfinite(camera_N33).all():
        raise UsageError(f"{path}: camera holds values that are no finite numbers")
    return camera_N33


def _filled(arrays: Arrays, there_NK: Mask, order: list[int], path: Path) -> Mask | None:
    if "filled" not in arrays:
        return None
    filled_NK = _numbers(arrays, "filled", there_NK.shape, path)[:, order] != 0
    return np.asarray(filled_NK & there_NK)
