"""Clean plate: what the camera would have seen without the performer.

Frames are laid over one another along the camera's motion, without the performer's surroundings;
the median of what is left is the clean plate. What no frame shows is filled in. It is made once,
over the whole shot, so that no plan of shards can change it.

Shape letters: S sampled frames, H rows, W columns, 3 = red, green, blue or 3x3 = a homography.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bodyswap.errors import PlateError
from bodyswap.frames import RGB, Matte
from bodyswap.homography import Homographies, apply_homography
from bodyswap.replacing.fill import filled
from bodyswap.replacing.segment import CutOut, cut_by_colour

MOST_FRAMES = 48
"""Frames that the median is taken of; more would change little and fill the memory."""
_MOST_BYTES = 400_000_000
_STRIP_ROWS = 64
_LARGEST_CANVAS = 4.0
"""How many times a frame's area a moving camera's clean plate may take."""
_ENOUGH = 3
"""Fewer sightings than this are not believed: a median of two is whichever is darker."""
_ON_LIMBS = 0.5
_PERHAPS = 0.3
_HIDDEN = np.int16(32767)

Picture = Callable[[int], RGB]
"""The plate's frame at an index."""


@dataclass(frozen=True, kw_only=True)
class CleanPlate:
    """One scene's set, on a canvas that may be larger than a frame.

    `seen_HW` is False where it was filled in. `noise_3` is how much a channel of a frame differs
    from it by grain, in levels (one standard deviation).
    """

    rgb_HW3: RGB
    seen_HW: npt.NDArray[np.bool_]
    noise_3: npt.NDArray[np.float32]

    def as_seen(self, to_canvas_33: Homographies, height: int, width: int) -> "CleanPlate":
        """Its part that a frame shows, whose pixels `to_canvas_33` takes to the canvas."""
        if np.array_equal(to_canvas_33, np.eye(3)) and self.seen_HW.shape == (height, width):
            return self
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        rgb_HW3 = cv2.warpPerspective(self.rgb_HW3, to_canvas_33, (width, height), flags=how,
                                      borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
        seen_HW = cv2.warpPerspective(self.seen_HW.astype(np.uint8), to_canvas_33, (width, height),
                                      flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)  # fmt: skip
        return CleanPlate(
            rgb_HW3=np.asarray(rgb_HW3, np.uint8), seen_HW=seen_HW > 0, noise_3=self.noise_3
        )


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """Where a scene's frames lie on one picture: `to_canvas_N33` takes a frame's pixels there."""

    to_canvas_N33: Homographies
    height: int
    width: int


def sample_of(count: int, height: int, width: int) -> list[int]:
    """Which of `count` frames a median is taken of: evenly spread, the first and last too."""
    most = max(_ENOUGH, min(MOST_FRAMES, _MOST_BYTES // (height * width * 3)))
    return sorted(set(np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()))


def canvas_of(to_first_N33: Homographies, height: int, width: int) -> Canvas:
    """A canvas that all the frames fit on.

    Raises:
        PlateError: the camera moves so far that no clean plate can be laid out flat.
    """
    if (to_first_N33 == np.eye(3)).all():
        return Canvas(to_canvas_N33=to_first_N33, height=height, width=width)
    corners_42 = np.array([(0, 0), (width, 0), (0, height), (width, height)], np.float32)
    spread = np.concatenate([apply_homography(each, corners_42) for each in to_first_N33])
    low, high = np.floor(spread.min(axis=0)), np.ceil(spread.max(axis=0))
    wide, tall = (int(each) for each in high - low)
    if not np.isfinite(spread).all() or wide * tall > _LARGEST_CANVAS * height * width:
        raise PlateError(
            f"the camera moves so far that the clean plate would be {wide}x{tall} pixels;"
            " cut the shot into parts, or render over the subject's own background"
        )
    shift_33 = np.array([(1, 0, -low[0]), (0, 1, -low[1]), (0, 0, 1)], np.float64)
    return Canvas(to_canvas_N33=shift_33 @ to_first_N33, height=tall, width=wide)


def median_plate(
    pictures: Sequence[RGB], hidden: Sequence[npt.NDArray[np.bool_]], to_canvas_S33: Homographies,
    canvas: Canvas,
) -> CleanPlate:  # fmt: skip
    """The median of the pictures where they are not hidden; the rest filled in."""
    laid = [_laid(*each, canvas) for each in zip(pictures, hidden, to_canvas_S33, strict=True)]
    rgb_HW3 = np.zeros((canvas.height, canvas.width, 3), np.uint8)
    seen_HW = np.zeros((canvas.height, canvas.width), np.bool_)
    spread = []
    for top in range(0, canvas.height, _STRIP_ROWS):
        rows = slice(top, top + _STRIP_ROWS)
        stack_SHW3 = np.stack([picture[rows] for picture, _ in laid]).astype(np.int16)
        hidden_SHW = np.stack([mask[rows] for _, mask in laid])
        middle_HW3, count_HW = _median(stack_SHW3, hidden_SHW)
        rgb_HW3[rows] = middle_HW3
        seen_HW[rows] = count_HW >= min(_ENOUGH, len(laid))
        off = np.abs(stack_SHW3 - middle_HW3)[:, ::7, ::7][~hidden_SHW[:, ::7, ::7]]
        spread.append(off)
    return CleanPlate(
        rgb_HW3=filled(rgb_HW3, seen_HW),
        seen_HW=seen_HW,
        noise_3=noise_of(np.concatenate(spread)),
    )


def _laid(
    picture: RGB, hidden_HW: npt.NDArray[np.bool_], to_canvas_33: Homographies, canvas: Canvas
) -> tuple[RGB, npt.NDArray[np.bool_]]:
    size = canvas.width, canvas.height
    if np.array_equal(to_canvas_33, np.eye(3)) and picture.shape[:2] == size[::-1]:
        return picture, hidden_HW
    laid = cv2.warpPerspective(picture, to_canvas_33, size, flags=cv2.INTER_LINEAR)
    nothing = cv2.warpPerspective(
        hidden_HW.astype(np.uint8), to_canvas_33, size, flags=cv2.INTER_NEAREST, borderValue=1
    )
    return np.asarray(laid, np.uint8), nothing > 0


def _median(
    stack_SHW3: npt.NDArray[np.int16], hidden_SHW: npt.NDArray[np.bool_]
) -> tuple[RGB, npt.NDArray[np.int64]]:
    """Of what is not hidden: sorted to the front, and the middle one taken."""
    if not hidden_SHW.any():
        middle = np.partition(stack_SHW3, (len(stack_SHW3) - 1) // 2, axis=0)
        counts = np.full(hidden_SHW.shape[1:], len(stack_SHW3))
        return middle[(len(stack_SHW3) - 1) // 2].astype(np.uint8), counts
    ordered = np.sort(np.where(hidden_SHW[..., None], _HIDDEN, stack_SHW3), axis=0)
    counts = (~hidden_SHW).sum(axis=0)
    middle = np.maximum(counts - 1, 0) // 2
    taken = np.take_along_axis(ordered, middle[None, :, :, None], axis=0)[0]
    return np.where(counts[:, :, None] > 0, taken, 0).astype(np.uint8), counts


def noise_of(off_P3: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    """One standard deviation of such differences from a set, (3,), never under the step of 8 bits.

    Robustly: most pixels of a set do not move.
    """
    if not len(off_P3):
        return np.ones(3, np.float32)
    # The mean of the lower three quarters tells parts of a level, which a median of whole ones
    # does not; for a Gaussian it is 0.47 standard deviations.
    ordered = np.sort(off_P3, axis=0)[: max(1, len(off_P3) * 3 // 4)]
    return np.asarray(np.maximum(ordered.mean(axis=0) / 0.47, 0.3), np.float32)


def hidden_by(
    rgb_HW3: RGB, distance_HW: Matte, margin_px: float, segment: CutOut | None = None
) -> npt.NDArray[np.bool_]:
    """What nobody should learn a set from: a person, by colour or by `segment`, and their rim.

    A frame here and there in which somebody is cut out too small is outvoted by the others.
    """
    told_HW = (
        cut_by_colour(rgb_HW3, distance_HW) if segment is None
        else segment(rgb_HW3, distance_HW) > _PERHAPS
    )  # fmt: skip
    found_HW = told_HW | (distance_HW < _ON_LIMBS)
    side = 2 * max(1, round(margin_px)) + 1
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return cv2.dilate(found_HW.astype(np.uint8), disk) > 0
