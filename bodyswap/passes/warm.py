"""What a worker keeps between calls: models loaded, engines built, plates looked at.

It does not know what is done with them.
"""

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


class Warm:
    """Everything is made when it is first asked for."""

    def __init__(self, overlap: Overlap = NO_OVERLAP) -> None:
        self._overlap = overlap
        self._seers: dict[tuple[PoseSettings, str, int], tuple[PoseEstimator, PersonDetector]] = {}
        self._subjects: dict[tuple[Path, str], Subject] = {}
        self._probed: set[Path] = set()
        self._painters: dict[tuple[Path, str, str, int, Window], Paint] = {}

    def seers(self, settings: RenderSettings) -> tuple[PoseEstimator, PersonDetector]:
        """What poses people and what finds them."""
        key = (settings.pose, settings.device, torch.get_num_threads())
        if key not in self._seers:
            device = choose_device(settings.device)
            estimator = build_estimator(
                settings.pose.model,
                device,
                flip=settings.pose.flip,
                engine=EngineName(settings.pose.engine),
            )
            detector = build_detector(settings.pose.detector, estimator, device)
            self._seers[key] = estimator, detector
        return self._seers[key]

    def renderer(self, folder: Path, settings: RenderSettings, poses: PoseSequence) -> Renderer:
        """One of the subject in `folder`, for the shot whose `poses` they do.

        Its engine computes by as many threads as PyTorch has.
        """
        person, device = self.subject(folder, settings), choose_device(settings.device)
        card, step = person.card, person.generator.config.side_step
        size = Window(rows=card.height, columns=card.width)
        if settings.crop:
            size = window_for(poses, height=card.height, width=card.width, step=step)
        key = (folder, settings.device, settings.engine, torch.get_num_threads(), size)
        if key not in self._painters:
            name = EngineName(settings.engine)
            self._painters[key] = painter(
                person.generator, name, height=size.rows, width=size.columns, device=device
            )
        paint = self._painters[key]
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
        key = (folder, settings.device)
        if key not in self._subjects:
            self._subjects[key] = load_subject(folder, choose_device(settings.device))
        return self._subjects[key]
