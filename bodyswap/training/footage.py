"""From full frames and poses to the footage a subject is trained on.

It does not know how poses were found, nor how footage is sampled in training.

Shape letters: N frames, H rows, W columns, K joints, 2 = x and y in pixels, 3 = red, green, blue.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from bodyswap.errors import PlateError
from bodyswap.frames import RGB, FrameBatch
from bodyswap.people import PoseSequence
from bodyswap.skeleton import Floats
from bodyswap.timing import FrameRange

SIDE_STEP = 32
Mattes = npt.NDArray[np.uint8]

_MEDIAN_FRAMES = 60
_ROUND_LIMBS, _ROUND_FINE_LIMBS = 0.28, 0.1
"""Widths of the region around a limb, of the person's extent; the body's takes in faces, hands."""
_NOTICEABLE = (14.0, 40.0)
"""Differences from the background, of 255, from surely background to surely person."""


@dataclass(frozen=True, kw_only=True)
class SubjectFootage:
    """Frames at generator size with their poses, mattes (255 = person) and the empty background.

    `clip_starts` are the frames that do not follow the one before them; 0 is always one.
    """

    rgb_NHW3: RGB
    poses: PoseSequence
    matte_NHW: Mattes
    background_HW3: RGB
    clip_starts: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        count, height, width, _ = self.rgb_NHW3.shape
        if count == 0 or len(self.poses) != count or self.matte_NHW.shape != (count, height, width):
            raise ValueError("frames, poses and mattes must be equally many, and more than none")
        if self.poses.frames.start != 0:
            raise ValueError("a footage's poses are counted from its own frame 0")
        if height % SIDE_STEP or width % SIDE_STEP:
            raise ValueError(f"footage is {width}x{height}; sides must be multiples of {SIDE_STEP}")
        if self.background_HW3.shape != (height, width, 3):
            raise ValueError("the background must be as large as the frames")

    def __len__(self) -> int:
        return len(self.poses)

    @property
    def height(self) -> int:
        return int(self.rgb_NHW3.shape[1])

    @property
    def width(self) -> int:
        return int(self.rgb_NHW3.shape[2])

    def scaled(self, height: int, width: int) -> "SubjectFootage":
        """The same footage at another size."""
        return SubjectFootage(
            rgb_NHW3=_resized(self.rgb_NHW3, height, width),
            poses=scale_poses(self.poses, height / self.height, width / self.width),
            matte_NHW=_resized(self.matte_NHW, height, width),
            background_HW3=_resized(self.background_HW3[None], height, width)[0],
            clip_starts=self.clip_starts,
        )


@dataclass(frozen=True, kw_only=True)
class FittedPart:
    """Frames that follow one another, at generator size, and the poses in them, from frame 0."""

    rgb_NHW3: RGB
    poses: PoseSequence


def fit_part(batches: Iterable[FrameBatch], poses: PoseSequence, *, height: int) -> FittedPart:
    """Frames `height` pixels high, their shape kept, sides rounded to multiples of 32.

    The batches must cover `poses.frames` exactly.

    Raises:
        PlateError: there are no frames, or another number of them than of poses.
    """
    frames, source = [], (0, 0)
    for batch in batches:
        source = batch.rgb_NHW3.shape[1:3]
        frames.append(_resized(batch.rgb_NHW3, *_target_size(*source, height)))
    if not frames or sum(map(len, frames)) != len(poses):
        raise PlateError(
            f"footage has {sum(map(len, frames))} frames, but {len(poses)} poses; give the same"
        )
    rgb_NHW3 = np.concatenate(frames)
    _, rows, columns, _ = rgb_NHW3.shape
    fitted = scale_poses(_from_frame_0(poses), rows / source[0], columns / source[1])
    return FittedPart(rgb_NHW3=rgb_NHW3, poses=fitted)


def join_parts(parts: Sequence[FittedPart], background_HW3: RGB | None = None) -> SubjectFootage:
    """Parts from one camera as one footage, with a cut between them.

    Unless it is given, the background is the median over all parts where the person is not;
    mattes come from the difference to it, near the person only.

    Raises:
        PlateError: the parts are not of one size, or show different places.
    """
    sizes = {part.rgb_NHW3.shape[1:3] for part in parts}
    if len(sizes) > 1:
        told = " and ".join(sorted(f"{wide}x{high}" for high, wide in sizes))
        raise PlateError(f"clips come to {told} pixels; give footage from one camera")
    rgb_NHW3 = np.concatenate([part.rgb_NHW3 for part in parts])
    poses = _joined([part.poses for part in parts])
    near_NHW = person_regions(poses, *rgb_NHW3.shape[1:3])
    starts = np.cumsum([0, *(len(part.poses) for part in parts)])
    if background_HW3 is None:
        background_HW3 = estimate_background(rgb_NHW3, near_NHW)
    for first, stop in pairwise(int(start) for start in starts):
        _check_place(rgb_NHW3[first:stop], near_NHW[first:stop], background_HW3)
    return SubjectFootage(
        rgb_NHW3=rgb_NHW3,
        poses=poses,
        matte_NHW=difference_mattes(rgb_NHW3, background_HW3, near_NHW),
        background_HW3=background_HW3,
        clip_starts=tuple(int(start) for start in starts[:-1]),
    )


def _check_place(rgb_NHW3: RGB, near_NHW: Mattes, background_HW3: RGB) -> None:
    """Refuse a part whose own background is mostly not the one shared by all."""
    own_HW3 = estimate_background(rgb_NHW3, near_NHW)
    changed = cv2.absdiff(own_HW3, background_HW3).max(axis=2) > _NOTICEABLE[0]
    if changed.mean() > 0.5:
        raise PlateError(
            f"one clip's background differs from all clips' on {changed.mean():.0%} of the picture;"
            " give footage from one camera that stands still"
        )


def _joined(poses: Sequence[PoseSequence]) -> PoseSequence:
    return PoseSequence(
        skeleton=poses[0].skeleton,
        frames=FrameRange(start=0, stop=sum(map(len, poses))),
        keypoints_NK2=np.concatenate([one.keypoints_NK2 for one in poses]),
        confidence_NK=np.concatenate([one.confidence_NK for one in poses]),
    )


def scale_poses(poses: PoseSequence, by_height: float, by_width: float) -> PoseSequence:
    """The poses in a picture resized by these factors (pixel centres at whole numbers)."""
    factor_2 = np.array([by_width, by_height], np.float32)
    return PoseSequence(
        skeleton=poses.skeleton,
        frames=poses.frames,
        keypoints_NK2=(poses.keypoints_NK2 + np.float32(0.5)) * factor_2 - np.float32(0.5),
        confidence_NK=poses.confidence_NK,
    )


def person_regions(poses: PoseSequence, height: int, width: int) -> Mattes:
    """255 around each frame's joints and limbs, generously; 0 elsewhere."""
    region_NHW = np.zeros((len(poses), height, width), np.uint8)
    for frame_HW, joints_K2, sure_K in zip(
        region_NHW, poses.keypoints_NK2, poses.confidence_NK, strict=True
    ):
        seen_K2 = joints_K2[(sure_K > 0) & np.isfinite(joints_K2).all(axis=1)]
        if len(seen_K2) == 0:
            continue
        extent = float(np.ptp(seen_K2, axis=0).max())
        limbs = zip(poses.skeleton.limb_indices, poses.skeleton.parts_of_limbs, strict=True)
        for (a, b), part in limbs:
            if min(sure_K[a], sure_K[b]) > 0:
                thick = max(
                    3, round(extent * (_ROUND_FINE_LIMBS if part.is_fine else _ROUND_LIMBS))
                )
                cv2.line(frame_HW, _point(joints_K2[a]), _point(joints_K2[b]), 255, thick)
    return region_NHW


def estimate_background(rgb_NHW3: RGB, near_NHW: Mattes) -> RGB:
    """The temporal median of what lies outside the person's region, or of all where none does."""
    chosen = np.unique(np.linspace(0, len(rgb_NHW3) - 1, _MEDIAN_FRAMES).round().astype(int))
    sample_NHW3 = rgb_NHW3[chosen]
    background_HW3 = np.empty(sample_NHW3.shape[1:], np.uint8)
    for row in range(sample_NHW3.shape[1]):
        colour_NW3 = sample_NHW3[:, row].astype(np.float32)
        clear_NW = near_NHW[chosen, row] == 0
        clear_NW[:, ~clear_NW.any(axis=0)] = True
        seen_NW3 = np.where(clear_NW[..., None], colour_NW3, np.float32(np.nan))
        background_HW3[row] = np.nanmedian(seen_NW3, axis=0).round()
    return background_HW3


def difference_mattes(rgb_NHW3: RGB, background_HW3: RGB, near_NHW: Mattes) -> Mattes:
    """Soft mattes: how far each pixel near the person differs from the empty background."""
    low, high = _NOTICEABLE
    matte_NHW = np.zeros(near_NHW.shape, np.uint8)
    for matte_HW, rgb_HW3, near_HW in zip(matte_NHW, rgb_NHW3, near_NHW, strict=True):
        off_HW = cv2.absdiff(rgb_HW3, background_HW3).max(axis=2)
        soft_HW = (cv2.GaussianBlur(off_HW, (0, 0), 1.0).astype(np.float32) - low) / (high - low)
        solid_HW = cv2.morphologyEx(
            (soft_HW.clip(0, 1) * 255).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)
        )
        matte_HW[:] = np.minimum(solid_HW, near_HW)
    return matte_NHW


def _from_frame_0(poses: PoseSequence) -> PoseSequence:
    return replace(poses, frames=FrameRange(start=0, stop=len(poses)))


def _target_size(rows: int, columns: int, height: int) -> tuple[int, int]:
    high = max(SIDE_STEP, round(height / SIDE_STEP) * SIDE_STEP)
    wide = max(SIDE_STEP, round(columns * high / rows / SIDE_STEP) * SIDE_STEP)
    return high, wide


def _resized(pictures: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.uint8]:
    if pictures.shape[1:3] == (height, width):
        return pictures
    shrinks = height <= pictures.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.stack([cv2.resize(one, (width, height), interpolation=method) for one in pictures])


def _point(joint_2: Floats) -> tuple[int, int]:
    x, y = np.clip(np.nan_to_num(joint_2), -10_000, 10_000)
    return round(float(x)), round(float(y))
