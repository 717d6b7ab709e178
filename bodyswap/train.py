"""From footage of a consenting person to their trained subject.

    decode -> pose -> follow the performer -> crops, mattes, background -> train -> subject folder

It does not know stores; the farm publishes the folder this leaves.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bodyswap.decode import decode
from bodyswap.device import choose_device
from bodyswap.errors import PlateError
from bodyswap.frames import RGB
from bodyswap.nets.card import Origin
from bodyswap.overlap import OnFrame
from bodyswap.passes.fitting import plate_shape
from bodyswap.people import PoseSequence
from bodyswap.pipeline import Pipeline
from bodyswap.retarget import measure_stance
from bodyswap.rights.training_door import permit_training
from bodyswap.solve import follow_performer
from bodyswap.stance import StanceStatistics
from bodyswap.training.finish import finish_subject
from bodyswap.training.footage import SubjectFootage, fit_part, join_parts
from bodyswap.training.footage_cache import FootageCache, content_key
from bodyswap.training.loop import SUBJECT, Progress, train_subject
from bodyswap.training.parts import FootagePart, choose_parts, clips_of
from bodyswap.training.settings import TrainSettings

OnPose = Callable[[int, int], None]
"""Told how many frames have been posed, and of how many."""


@dataclass(frozen=True, kw_only=True)
class TrainingRequest:
    """Footage of one person from one camera, who they are, and on whose word they are learnt.

    `footage` and `hold_out` are clips or parts of clips, as `choose_parts` reads them; `height` is
    the subject's picture height, pixels.
    """

    footage: tuple[str, ...]
    subject: str
    consent: str | None
    height: int
    settings: TrainSettings
    hold_out: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A person's footage made ready: what is trained on, what is only measured, how they stand."""

    training: SubjectFootage
    held_out: SubjectFootage
    stance: StanceStatistics
    footage_sha256: tuple[str, ...]


def train(
    request: TrainingRequest,
    out: Path,
    *,
    on_pose: OnPose,
    on_step: Callable[[Progress], None],
) -> Path:
    """Train until the budget is spent, going on from what `out` holds, and measure what came out.

    What was held out is drawn in the samples, and measured into the subject's card at the end.
    Returns the subject's folder.

    Raises:
        ConsentError: nobody's consent covers training on this footage.
        InputError: the footage, a setting or the state in `out` cannot be used.
    """
    footage_sha256 = footage_hashes(request)
    consent = permit_training(request.subject, footage_sha256, request.consent)
    device = choose_device(request.settings.device)
    prepared = prepare(request, FootageCache(out / "footage"), on_pose=on_pose)
    train_subject(
        prepared.training,
        request.settings.training,
        out,
        origin=Origin(
            subject=request.subject,
            consent=consent,
            footage_sha256=footage_sha256,
        ),
        stance=prepared.stance,
        on_progress=on_step,
        samples_of=prepared.held_out,
        device=device,
    )
    finish_subject(out / SUBJECT, prepared.held_out, device)
    return out / SUBJECT


def footage_hashes(request: TrainingRequest) -> tuple[str, ...]:
    """The SHA-256 of each file that would be looked at, whether trained on or only measured.

    Raises:
        PlateError: a file is not there.
    """
    paths = clips_of((*request.footage, *request.hold_out))
    for path in paths:
        if not path.is_file():
            raise PlateError(f"footage '{path}' is not a file; give a video")
    return tuple(dict.fromkeys(_file_sha256(path) for path in paths))


def prepare(request: TrainingRequest, cache: FootageCache, *, on_pose: OnPose) -> Prepared:
    """Decode and pose the footage, and set the held-out frames apart; kept in `cache` too.

    Raises:
        InputError: the footage or a setting cannot be used.
    """
    parts, held = choose_parts(request.footage, request.hold_out)
    preparation = _Preparation(request, [*parts, *held], cache, on_pose)
    training = preparation.prepare(parts)
    return Prepared(
        training=training,
        held_out=preparation.prepare(held, training.background_HW3),
        stance=measure_stance(
            training.poses,
            width=training.width,
            height=training.height,
            rate=float(parts[0].clip.timeline.rate),
        ),
        footage_sha256=preparation.hashes_of(parts),
    )


class _Preparation:
    """Poses and pictures of all parts, each looked at once, and not again by a resumed run."""

    def __init__(
        self,
        request: TrainingRequest,
        parts: Sequence[FootagePart],
        cache: FootageCache,
        on_pose: OnPose,
    ) -> None:
        self._settings, self._height, self._on_pose = request.settings, request.height, on_pose
        self._cache = cache
        paths = dict.fromkeys(part.clip.path for part in parts)
        self._sha256 = {path: _file_sha256(path) for path in paths}
        self._posed, self._total = 0, sum(len(part.frames) for part in parts)
        self._pipeline = Pipeline()

    def hashes_of(self, parts: Sequence[FootagePart]) -> tuple[str, ...]:
        """The SHA-256 of each clip, once."""
        return tuple(dict.fromkeys(self._sha256[part.clip.path] for part in parts))

    def prepare(
        self, parts: Sequence[FootagePart], background_HW3: RGB | None = None
    ) -> SubjectFootage:
        """The parts as footage, against this background or else their own."""

        def make() -> SubjectFootage:
            fitted = [
                fit_part(decode(part.clip, part.frames), self._poses(part), height=self._height)
                for part in parts
            ]
            return join_parts(fitted, background_HW3)

        behind = None if background_HW3 is None else _sha256(background_HW3.tobytes())
        return self._cache.footage(self._key(parts, self._height, behind), make)

    def _poses(self, part: FootagePart) -> PoseSequence:
        before = self._posed

        def on_frame(done: int) -> None:
            self._on_pose(before + done, self._total)

        self._posed += len(part.frames)
        return self._cache.poses(self._key([part]), lambda: self._find_poses(part, on_frame))

    def _find_poses(self, part: FootagePart, on_frame: OnFrame) -> PoseSequence:
        clip, frames, settings = part.clip, part.frames, self._settings
        seen = self._pipeline.pose_range(clip.path, frames, settings=settings, on_frame=on_frame)
        shape = plate_shape(clip)
        return follow_performer(seen, frames, plate=shape, settings=settings.solve)[0]

    def _key(self, parts: Sequence[FootagePart], *more: object) -> str:
        named = [(self._sha256[part.clip.path], part.frames) for part in parts]
        return content_key(named, self._settings, *more)


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
