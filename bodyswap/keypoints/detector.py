"""Person detectors: what the pose stage asks of one, and how one is built from its yaml file.

It does not know MMDetection, whose door is opened only when a detector of its is built.

Shape letters: N frames, H rows, W columns, 3 = red, green, blue.
"""

from typing import Protocol

from bodyswap.frames import RGB
from bodyswap.keypoints.estimator import PoseEstimator
from bodyswap.keypoints.finder import Sightings, find_people


class PersonDetector(Protocol):
    """Finds people in whole frames."""

    def detect(self, rgb_NHW3: RGB, *, thoroughly: bool = True) -> list[Sightings]:
        """Who is in each frame; not `thoroughly` where a quick search will do for now."""
        ...


class PoseDrivenDetector:
    """Finds people by the pose model itself; needs no weights of its own."""

    def __init__(self, estimator: PoseEstimator) -> None:
        self._estimator = estimator

    def detect(self, rgb_NHW3: RGB, *, thoroughly: bool = True) -> list[Sightings]:
        return [
            find_people(rgb_HW3, self._estimator, thoroughly=thoroughly) for rgb_HW3 in rgb_NHW3
        ]
