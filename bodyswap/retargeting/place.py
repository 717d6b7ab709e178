"""Place: where on the subject's floor each frame is, and how large they are there.

Distances from a camera are told by height: a person twice as far looks half as tall. So depth is
measured in person heights, is carried over to the subject, and gives their height and, along
their own floor, their ground line. Everybody Dance Now's near/far mapping (Chan et al., ICCV 2019,
section 8.2) in perspective: steps keep their length, and the range is only squeezed where it would
leave what the subject's picture can show.

It does not know poses.
Shape letters: N frames.
"""

from dataclasses import dataclass

import numpy as np

from bodyswap.skeleton import Floats
from bodyswap.stance import StanceStatistics

SCALE_BOUNDS = (0.05, 20.0)
BEYOND = 1.35
"""How much nearer or farther than ever seen the subject may be shown."""
_TALLEST, _LOWEST_GROUND = 0.92, 0.93
"""The most of the subject's picture that their height, and their ground line, may take."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """In each frame, the subject's ground line and how large they are for the performer's size."""

    ground_N: Floats
    scale_N: Floats


def find_place(
    ground_N: Floats, performer: StanceStatistics, subject: StanceStatistics, *, stride: float
) -> Place:
    """The place of each frame; `stride` is how much longer the subject's steps are, for height."""
    depth_N = performer.height / performer.height_at(ground_N)
    middle_y = (performer.far_ground_y + performer.near_ground_y) / 2
    middle = performer.height / float(performer.height_at(np.array([middle_y]))[0])
    roam_N = (depth_N - middle) * stride
    wanted_y = np.clip(
        middle_y * subject.height / performer.height, subject.far_ground_y, subject.near_ground_y
    )
    wanted = subject.height / float(subject.height_at(np.array([wanted_y]))[0])
    height_N = subject.height / _fitted(wanted, roam_N, subject)
    if subject.is_flat or performer.is_flat:
        return _in_one_size(ground_N, performer, subject, float(np.median(height_N)), stride)
    scale_N = height_N / performer.height_at(ground_N)
    return Place(
        ground_N=subject.ground_at(height_N),
        scale_N=np.asarray(scale_N.clip(*SCALE_BOUNDS), np.float32),
    )


def _in_one_size(
    ground_N: Floats, performer: StanceStatistics, subject: StanceStatistics, height: float,
    stride: float,
) -> Place:  # fmt: skip
    """Where there is no depth to go by: one scale, and the performer's own perspective."""
    middle_y = (performer.far_ground_y + performer.near_ground_y) / 2
    scale = height / float(performer.height_at(np.array([middle_y]))[0])
    scale = float(np.clip(scale, *SCALE_BOUNDS))
    away_N = (ground_N - middle_y) * scale * stride
    place = middle_y * subject.height / performer.height
    if subject.is_flat:
        own = np.clip(place, subject.far_ground_y, subject.near_ground_y)
    else:
        own = subject.ground_at(np.array([height]))[0]
    lowest = max(_LOWEST_GROUND * subject.height, subject.near_ground_y)
    own = min(own, lowest - max(float(away_N.max()), 0.0))
    return Place(
        ground_N=np.asarray(own + away_N, np.float32),
        scale_N=np.full(len(ground_N), scale, np.float32),
    )


def _fitted(wanted: float, roam_N: Floats, subject: StanceStatistics) -> Floats:
    """`roam_N` about a middle near `wanted`: within what was seen of the subject if it fits,
    else about its middle; squeezed only if it left what can be shown."""
    seen = subject.height / subject.near_height, subject.height / subject.far_height
    nearest = max(seen[0] / BEYOND, _nearest_in_picture(subject))
    shown = min(nearest, seen[0]), seen[1] * BEYOND
    low, high = float(roam_N.min()), float(roam_N.max())
    squeeze = min(1.0, (shown[1] - shown[0]) / max(high - low, 1e-6))
    low, high = low * squeeze, high * squeeze
    middle = _within(wanted, seen[0] - low, seen[1] - high)
    middle = _within(middle, shown[0] - low, shown[1] - high)
    return np.asarray(middle + roam_N * squeeze, np.float32)


def _within(value: float, low: float, high: float) -> float:
    """`value` between the bounds, or midway where they cross."""
    return (low + high) / 2 if low > high else min(max(value, low), high)


def _nearest_in_picture(subject: StanceStatistics) -> float:
    """The least depth at which the subject, standing, is still all in their picture."""
    tallest = _TALLEST * subject.height
    if not subject.is_flat:
        lowest = float(subject.height_at(np.array([_LOWEST_GROUND * subject.height]))[0])
        tallest = min(tallest, max(lowest, subject.near_height))
    return subject.height / tallest
