"""What a worker keeps between calls: models loaded, engines built, plates looked at.

It does not know what is done with them.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

import torch

from bodyswap.config import EngineName, PoseSettings, RenderSettings
from bodyswap.device import choose_device
from bodyswap.keypoints.detector import PersonDetector, build_detector
from bodyswap.keypoints.estimator import PoseEstimator, build_estimator
from bodyswap.media.index import ClipIndex, as_set, index_clip
from bodyswap.media.probe import probe
from bodyswap.media.probe_streamed import probe_streamed
from bodyswap.media.streamed import StreamedPath
from bodyswap.nets.checkpoint import Subject, load_subject
from bodyswap.nets.painter import Paint, painter
from bodyswap.nets.window import Window, WindowedPaint, window_for
from bodyswap.overlap import NO_OVERLAP, Overlap
from bodyswap.people import PoseSequence
from bodyswap.render import Renderer
from bodyswap.rights.trust import operator_trust

SUBJECTS_KEPT = 8
"""Several subjects are swapped on one worker without being loaded anew. As many engines are held,
of which a subject has one for each window and number of threads; with one, the bundled subject
takes about 120 MiB.
"""
POSE_MODELS_KEPT = 2
"""The bundled one takes about 330 MiB, with the libraries it is run by."""


class Warm:
    """Everything is made when it is first asked for; of each kind what was used last is held."""

    def __init__(
        self,
        overlap: Overlap = NO_OVERLAP,
        *,
        subjects: int = SUBJECTS_KEPT,
        pose_models: int = POSE_MODELS_KEPT,
    ) -> None:
        """So many `subjects`, with as many engines, and `pose_models` are held at most."""
        self._overlap = overlap
        self._probed: set[Path] = set()
        self._seers = lru_cache(pose_models)(_build_seers)
        self._subjects = lru_cache(subjects)(_load_subject)
        self._painters = lru_cache(subjects)(partial(_build_painter, self._subjects))

    def seers(self, settings: RenderSettings) -> tuple[PoseEstimator, PersonDetector]:
        """What poses people and what finds them."""
        return self._seers(settings.pose, settings.device, torch.get_num_threads())

    def renderer(self, folder: Path, settings: RenderSettings, poses: PoseSequence) -> Renderer:
        """One of the subject in `folder`, for the shot whose `poses` they do.

        Its engine computes by as many threads as PyTorch has.
        """
        person, device = self.subject(folder, settings), choose_device(settings.device)
        card, step = person.card, person.generator.config.side_step
        size = Window(rows=card.height, columns=card.width)
        if settings.crop:
            size = window_for(poses, height=card.height, width=card.width, step=step)
        paint = self._painters(
            folder, settings.device, EngineName(settings.engine), torch.get_num_threads(), size
        )
        if (size.rows, size.columns) != (card.height, card.width):
            paint = WindowedPaint(paint, size, step=step)
        return Renderer(person, device, paint, self._overlap)

    def clip(self, plate: Path, settings: RenderSettings) -> ClipIndex:
        """The plate, which anybody may have made: first looked at by a process of its own.

        Its values and its rate are what the settings say they are.
        """
        if plate not in self._probed and plate.is_file():
            limits = operator_trust().limits
            if isinstance(plate, StreamedPath):
                probe_streamed(plate, limits)
            else:
                probe(plate, limits)
            self._probed.add(plate)
        return as_set(index_clip(plate), settings)

    def subject(self, folder: Path, settings: RenderSettings) -> Subject:
        """The subject in `folder`, on the settings' device."""
        return self._subjects(folder, settings.device)


def _build_seers(
    pose: PoseSettings, device_name: str, threads: int
) -> tuple[PoseEstimator, PersonDetector]:
    del threads  # those that PyTorch has: an engine is built for them
    device = choose_device(device_name)
    engine = EngineName(pose.engine)
    estimator = build_estimator(pose.model, device, flip=pose.flip, engine=engine)
    return estimator, build_detector(pose.detector, estimator, device)


def _load_subject(folder: Path, device_name: str) -> Subject:
    return load_subject(folder, choose_device(device_name))


def _build_painter(
    subject_in: Callable[[Path, str], Subject],
    folder: Path, device_name: str, engine: EngineName, threads: int, size: Window,
) -> Paint:  # fmt: skip
    del threads  # as above
    return painter(
        subject_in(folder, device_name).generator, engine,
        height=size.rows, width=size.columns, device=choose_device(device_name),
    )  # fmt: skip
