"""Square views of people with their joints: what the pose model learns from and is measured on.

It does not know where they came from or how they are augmented.

Shape letters: N samples, S the side of a view, K joints, 3 = red, green, blue, 2 = x, y in view
pixels, 4 = x0, y0, x1, y1.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from bodyswap.frames import RGB, Matte
from bodyswap.skeleton import Floats

VIEW_SIDE = 320
VIEW_REACH = 1.6
"""A view's side over the longer side of the person's box: room to turn, shift and shrink."""

KNOWN, UNKNOWN, ABSENT = 1, 0, -1
"""A joint's state: place known; not known, so never counted; not in the picture at all."""

Bytes = npt.NDArray[np.uint8]
States = npt.NDArray[np.int8]


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Views of people; `frame_N` is the clip's frame index, for splits and reports."""

    rgb_NSS3: Bytes
    matte_NSS: Bytes
    keypoints_NK2: Floats
    state_NK: States
    box_N4: Floats
    frame_N: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.frame_N)

    def at(self, chosen_N: npt.NDArray[np.generic]) -> Self:
        """The samples that an index or a mask picks."""
        return type(self)(**{name: array[chosen_N] for name, array in vars(self).items()})

    def save(self, path: Path) -> None:
        """Write to `path` (.npz), whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished.npz")
        np.savez(unfinished, allow_pickle=False, **vars(self))
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        with np.load(path, allow_pickle=False) as archive:
            return cls(**{name: archive[name] for name in archive.files})

    @classmethod
    def joined(cls, parts: "list[Samples]") -> Self:
        names = vars(parts[0])
        return cls(**{name: np.concatenate([vars(part)[name] for part in parts]) for name in names})


def cut_sample(
    rgb_HW3: RGB, matte_HW: Matte, keypoints_K2: Floats, state_K: States, frame: int
) -> Samples:
    """One person of a frame as a sample; joints outside the frame become absent.

    The person's box is the hull of the matte over one half and of the joints inside the frame.
    """
    height, width = matte_HW.shape
    x, y = keypoints_K2.T
    outside_K = (x < 0) | (y < 0) | (x > width - 1) | (y > height - 1)
    state_K = np.where(outside_K, ABSENT, state_K).astype(np.int8)
    box_4 = person_box(matte_HW, keypoints_K2[state_K == KNOWN])
    side = VIEW_REACH * max(box_4[2] - box_4[0], box_4[3] - box_4[1])
    corner_2 = (box_4[:2] + box_4[2:]) / 2 - side / 2
    scale = VIEW_SIDE / side
    return Samples(
        rgb_NSS3=_shrink(rgb_HW3, corner_2, side)[None],
        matte_NSS=_shrink((matte_HW * 255).astype(np.uint8), corner_2, side)[None],
        keypoints_NK2=((keypoints_K2 - corner_2) * scale)[None].astype(np.float32),
        state_NK=state_K[None],
        box_N4=((box_4 - np.tile(corner_2, 2)) * scale)[None].astype(np.float32),
        frame_N=np.array([frame]),
    )


def person_box(matte_HW: Matte, keypoints_K2: Floats) -> Floats:
    """The hull of what the matte covers and of the given joints."""
    rows, columns = np.nonzero(matte_HW > 0.5)
    points = np.concatenate([keypoints_K2, np.stack([columns, rows], axis=1)])
    return np.concatenate([points.min(axis=0), points.max(axis=0)]).astype(np.float32)


def _shrink(picture: Bytes, corner_2: Floats, side: float) -> Bytes:
    """The square at `corner_2`, black beyond the picture, at VIEW_SIDE pixels."""
    scale = VIEW_SIDE / side
    steps = max(1, int(np.ceil(1 / scale)))
    fine = VIEW_SIDE * steps
    matrix = np.array([[1, 0, 0], [0, 1, 0]]) * fine / side
    matrix[:, 2] = -corner_2 * fine / side
    view = cv2.warpAffine(picture, matrix, (fine, fine), flags=cv2.INTER_LINEAR)
    return np.asarray(
        cv2.resize(view, (VIEW_SIDE, VIEW_SIDE), interpolation=cv2.INTER_AREA), dtype=np.uint8
    )
