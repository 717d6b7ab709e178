"""The One-Euro filter, for streams: each frame is smoothed with what came before it alone.

Casiez, Roussel and Vogel, "1 Euro Filter", CHI 2012: a low-pass filter whose cutoff rises with
speed, so that a still joint does not tremble and a fast one hardly lags.

It does not know what comes next; where a whole shot is at hand, `smoothing` does better.

Shape letters: K joints, 2 = x and y in pixels.
"""

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bodyswap.keypoints.body_size import torso_px
from bodyswap.people import PoseSequence
from bodyswap.skeleton import Floats

Floats64 = npt.NDArray[np.float64]

SPEED_CUTOFF_HZ = 1.0
"""How slowly the speed itself is followed; the paper's own choice."""


class OneEuroFilter:
    """Smooths one person's poses as they come.

    `still_hz` is the cutoff of a joint at rest; `hz_per_speed` how much it rises per `size_px` a
    second, the length that speeds are told in (a torso's, say); a joint unseen for `forget_s` is
    taken up anew where it next is.
    """

    def __init__(
        self, *, size_px: float, still_hz: float = 1.6, hz_per_speed: float = 2.0,
        forget_s: float = 0.25,
    ) -> None:  # fmt: skip
        self._size_px, self._still_hz, self._hz_per_speed = size_px, still_hz, hz_per_speed
        self._forget_s = forget_s
        self._place_K2: Floats64 | None = None
        self._speed_K2 = np.zeros((0, 2))
        self._seen_s = np.zeros(0)

    def step(self, keypoints_K2: Floats, confidence_K: Floats, time_s: float) -> Floats:
        """The smoothed joints of a frame shown at `time_s`; absent ones come back as they are.

        Raises:
            ValueError: time does not go forward.
        """
        is_seen = confidence_K > 0
        if self._place_K2 is None:
            self._place_K2 = keypoints_K2.astype(np.float64)
            self._speed_K2 = np.zeros_like(self._place_K2)
            self._seen_s = np.full(len(keypoints_K2), -math.inf)
        if time_s <= self._seen_s.max(initial=-math.inf):
            raise ValueError(f"a frame at {time_s} s came after one at {self._seen_s.max()} s")
        since_s = time_s - self._seen_s
        begins = is_seen & (since_s > self._forget_s)
        self._place_K2[begins], self._speed_K2[begins] = keypoints_K2[begins], 0.0
        goes_on = np.flatnonzero(is_seen & ~begins)
        self._follow(goes_on, keypoints_K2[goes_on].astype(np.float64), since_s[goes_on])
        self._seen_s[is_seen] = time_s
        smoothed = np.where(is_seen[:, None], self._place_K2, keypoints_K2)
        return np.asarray(smoothed, np.float32)

    def _follow(self, joints: npt.NDArray[np.int64], seen_J2: Floats64, since_s: Floats64) -> None:
        assert self._place_K2 is not None
        before_J2, gap_J1 = self._place_K2[joints], since_s[:, None]
        speed_J2 = (seen_J2 - before_J2) / gap_J1
        share = _share(np.full(len(joints), SPEED_CUTOFF_HZ), since_s)
        self._speed_K2[joints] += share * (speed_J2 - self._speed_K2[joints])
        pace = np.linalg.norm(self._speed_K2[joints], axis=1) / self._size_px
        cutoff_hz = self._still_hz + self._hz_per_speed * pace
        self._place_K2[joints] = before_J2 + _share(cutoff_hz, since_s) * (seen_J2 - before_J2)


def filter_stream(poses: PoseSequence, times_s: Floats64, strength_s: float) -> PoseSequence:
    """A whole shot, smoothed as if it had come as a stream; `strength_s` 0 leaves it as it is."""
    if strength_s <= 0:
        return poses
    one_euro = OneEuroFilter(size_px=torso_px(poses), still_hz=1 / (2 * math.pi * strength_s))
    rows = zip(poses.keypoints_NK2, poses.confidence_NK, times_s.tolist(), strict=True)
    smoothed = np.stack([one_euro.step(*row) for row in rows])
    return replace(poses, keypoints_NK2=smoothed)


def _share(cutoff_hz: Floats64, since_s: Floats64) -> Floats64:
    """How much of the way to the new value a low-pass filter goes."""
    turn = 2 * math.pi * cutoff_hz * since_s
    return np.asarray((turn / (turn + 1))[:, None], np.float64)
