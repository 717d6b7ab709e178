"""Person detectors: what the pose stage asks of one, and how one is built from its yaml file.

It does not know MMDetection, whose door is opened only when a detector of its is built.

Shape letters: N frames, H rows, W columns, 3 = red, green, blue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from bodyswap.errors import ModelError
from bodyswap.frames import RGB
from bodyswap.keypoints.estimator import PoseEstimator, read_spec
from bodyswap.keypoints.finder import Sightings, find_people
from bodyswap.keypoints.looks import Aims
from bodyswap.keypoints.weights import Fetch, download, find_weights

if TYPE_CHECKING:
    from bodyswap.keypoints.mmdet_door import OneStageDetector

POSE_DRIVEN = "pose"


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


class NetworkDetector:
    """Finds people by a detector of MMDetection."""

    def __init__(self, model: OneStageDetector) -> None:
        self._model = model

    def detect(self, rgb_NHW3: RGB, *, thoroughly: bool = True) -> list[Sightings]:
        del thoroughly
        return [self._detect(rgb_HW3) for rgb_HW3 in rgb_NHW3]

    def _detect(self, rgb_HW3: RGB) -> Sightings:
        box_M4, score_M = self._model.boxes(rgb_HW3)
        upright_M = np.zeros(len(score_M), np.float32)
        return Sightings(aims=Aims(box_M4=box_M4, turn_M=upright_M), score_M=score_M)


def build_detector(
    name: str, estimator: PoseEstimator, device: torch.device | str, *, fetch: Fetch = download
) -> PersonDetector:
    """The detector called `name` in configs/detector, or of the yaml file at that path.

    Raises:
        ModelError: there is none, its weights cannot be had, or they do not fit its config.
        IntegrityError: its weights are not the ones the yaml names.
    """
    if name == POSE_DRIVEN:
        return PoseDrivenDetector(estimator)
    spec = read_spec(name, "detector")
    if spec.joints is not None:
        raise ModelError(f"detector '{name}' lists joints; a detector has none")
    path = find_weights(spec.weights, sha256=spec.sha256, folder=spec.folder, fetch=fetch)
    from bodyswap.keypoints.mmdet_door import build_detector_model

    beside = spec.folder / spec.config
    config = str(beside) if beside.is_file() else spec.config
    return NetworkDetector(build_detector_model(config, path, device=device))
