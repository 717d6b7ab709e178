"""Homographies: how one picture of a scene maps to another from a camera that turned or moved.

It does not know how one is found; `keypoints.camera` does.
Shape letters: N frames, P points, 2 = x and y in pixels.
"""

import numpy as np
import numpy.typing as npt

from bodyswap.skeleton import Floats

Homographies = npt.NDArray[np.float64]


def apply_homography(homography_33: Homographies, points_P2: Floats) -> Floats:
    """The points where the homography takes them, (P, 2)."""
    lifted = np.concatenate([points_P2, np.ones((len(points_P2), 1))], axis=1) @ homography_33.T
    return np.asarray(lifted[:, :2] / lifted[:, 2:], np.float32)


def to_first_frame(motion_N33: Homographies) -> Homographies:
    """For each frame, the homography from its pixels to the first frame's, (N, 3, 3).

    `motion_N33` takes the next frame's pixels to each frame's own.
    """
    whole_N33 = np.tile(np.eye(3), (len(motion_N33), 1, 1))
    for index in range(1, len(motion_N33)):
        chained = whole_N33[index - 1] @ motion_N33[index - 1]
        whole_N33[index] = chained / chained[2, 2]
    return whole_N33
