"""What a training on the farm is: its request with everything resolved, its identity.

Pure: it does not know stores, workers or clocks.

    training/<id>/training.yaml      the spec, written once
    training/<id>/states/…           the run's last states: data, then a marker
    training/<id>/status.json        how far it is, for people
    training/<id>/out/…              losses.csv, losses.png and samples, as they grow
    training/<id>/subject.json       who came of it, written last: the training is done
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from bodyswap.errors import UsageError
from bodyswap.timing import FrameRange
from cluster.jobs.refs import PlateRef, WeightsRef
from cluster.stores.record import content_hash

_ID_LENGTH = 16


class TrainingState(StrEnum):
    """How far a training is."""

    WAITING = "waiting"
    POSING = "posing"
    TRAINING = "training"
    MEASURING = "measuring"
    FINISHED = "finished"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """True where nothing more is done for it by itself."""
        return self in (TrainingState.FINISHED, TrainingState.FAILED)


@dataclass(frozen=True, kw_only=True)
class StoredPart:
    """Frames of a clip in the store that follow one another."""

    clip: PlateRef
    frames: FrameRange


@dataclass(frozen=True, kw_only=True)
class TrainingSpec:
    """One training, resolved: `settings` is `TrainSettings.to_dict()` in full, without weights.

    `workers` replicas share each step's batch, which is so many times the settings' own. The
    fields from `submitted_at` on do not change what is learnt, so they are no part of the id.
    """

    subject: str
    consent: str | None
    height: int
    parts: tuple[StoredPart, ...]
    held_out: tuple[StoredPart, ...]
    settings: dict[str, object]
    software: str
    vgg: WeightsRef | None = None
    workers: int = 1
    submitted_at: str = ""
    submitted_by: str = ""

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise UsageError(f"{self.workers} workers were asked for; give at least 1")

    @cached_property
    def training(self) -> str:
        """The training's id: the same request gives the same one, whoever asks and when."""
        identity = (
            self.subject, self.consent, self.height, self.parts, self.held_out, self.settings,
            self.software, self.vgg, self.workers,
        )  # fmt: skip
        return content_hash(identity)[:_ID_LENGTH]
