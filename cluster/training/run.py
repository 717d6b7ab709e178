"""What one replica of a training on the farm does, from the spec in the store to the subject there.

It does not know how replicas are started: they may be Ray's workers, or the only process there is.
States lie in the store, so that whichever machine comes next goes on; `subject.json`, written
last, means that the subject is in the store, whole.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bodyswap.device import choose_device
from bodyswap.errors import InputError, ModelError
from bodyswap.nets.card import Origin
from bodyswap.train import Prepared, TrainingRequest, prepare
from bodyswap.training.finish import finish_subject
from bodyswap.training.footage_cache import FootageCache
from bodyswap.training.loop import SUBJECT, Progress, train_subject
from bodyswap.training.losses_picture import LOSSES_PICTURE
from bodyswap.training.replica import Replica
from bodyswap.training.settings import TrainSettings
from cluster.jobs.inspection import FileInspector
from cluster.jobs.keys import TrainingKeys
from cluster.jobs.subjects import describe_subject, put_subject
from cluster.jobs.training_spec import StoredPart, TrainingSpec, TrainingState
from cluster.rights.doors import permit_training
from cluster.stores.record import to_json
from cluster.stores.store import Store
from cluster.training.checkpoints import StoreCheckpoints
from cluster.training.status import TrainingStatus, failed, put_status
from cluster.workers.scratch import Scratch

_TELL_EVERY_S = 2.0
_LOSSES, _SAMPLES = "losses.csv", "samples"
_REFUSALS = (InputError, ModelError)
"""What no other machine would do better at; anything else is for whoever started the replica."""


def run_replica(store: Store, spec: TrainingSpec, replica: Replica, scratch: Path) -> None:
    """Train until the budget is spent, going on from what the store holds, and store the subject.

    Every replica of the training must be run so. A training that cannot be done as written is
    told of as failed; whatever else goes wrong is raised, and running anew goes on.
    """
    if store.head(TrainingKeys(training=spec.training).subject) is not None:
        return
    try:
        _Run(store, spec, replica, scratch).run()
    except _REFUSALS as error:
        if replica.rank == 0:
            put_status(store, failed(spec, error))


class _Run:
    def __init__(self, store: Store, spec: TrainingSpec, replica: Replica, scratch: Path) -> None:
        self._store, self._spec, self._replica = store, spec, replica
        self._keys = TrainingKeys(training=spec.training)
        self._files = Scratch(store, scratch)
        self._cache = FootageCache(scratch / "footage", store)
        self._out = scratch / spec.training / f"replica-{replica.rank}"
        self._told = _Told(store, spec, self._out)

    def run(self) -> None:
        request = self._request()
        clips = [part.clip.sha256 for part in (*self._spec.parts, *self._spec.held_out)]
        consent = permit_training(
            self._store, request.subject, tuple(dict.fromkeys(clips)), request.consent, by="farm"
        )
        device = choose_device(request.settings.device)
        prepared = self._prepared(request)
        train_subject(
            prepared.training,
            request.settings.training,
            self._out,
            origin=Origin(
                subject=request.subject,
                consent=consent,
                footage_sha256=prepared.footage_sha256,
            ),
            stance=prepared.stance,
            on_progress=self._told.step if self._replica.rank == 0 else _say_nothing,
            samples_of=prepared.held_out,
            checkpoints=StoreCheckpoints(self._store, self._spec.training),
            device=device,
            replica=self._replica,
        )
        if self._replica.rank == 0:
            self._told.say(TrainingState.MEASURING, done=1.0)
            finish_subject(self._out / SUBJECT, prepared.held_out, device)
            self._publish()

    def _request(self) -> TrainingRequest:
        spec = self._spec
        settings = TrainSettings.from_dict(spec.settings)
        if spec.vgg is not None:
            path = self._files.weights(spec.vgg)
            settings = replace(settings, training=replace(settings.training, vgg_weights=path))
        return TrainingRequest(
            footage=tuple(self._text(part) for part in spec.parts),
            hold_out=tuple(self._text(part) for part in spec.held_out),
            subject=spec.subject,
            consent=spec.consent,
            height=spec.height,
            settings=settings,
        )

    def _text(self, part: StoredPart) -> str:
        return f"{self._files.plate(part.clip)}@{part.frames}"

    def _prepared(self, request: TrainingRequest) -> Prepared:
        """The footage, which replica 0 prepares first: the others find the poses in the store."""
        refusal: Exception | None = None
        if self._replica.rank == 0:
            try:
                prepared = prepare(request, self._cache, on_pose=self._told.pose)
            except _REFUSALS as error:
                refusal = error
        refusal = self._replica.share(refusal)
        if refusal is not None:
            raise refusal
        if self._replica.rank:
            prepared = prepare(request, self._cache, on_pose=lambda done, total: None)
        return prepared

    def _publish(self) -> None:
        subject = describe_subject(self._out / SUBJECT, FileInspector())
        put_subject(self._store, subject, self._out / SUBJECT)
        self._told.mirror()
        self._store.put(self._keys.subject, to_json(subject))
        self._told.say(
            TrainingState.FINISHED, done=1.0, message=f"{subject.name}@{subject.version}"
        )


class _Told:
    """Keeps people told: the status, and what grows in the out folder, not oftener than needed."""

    def __init__(self, store: Store, spec: TrainingSpec, out: Path) -> None:
        self._store, self._out = store, out
        self._keys = TrainingKeys(training=spec.training)
        self._status = TrainingStatus(
            training=spec.training, subject=spec.subject, state=TrainingState.POSING
        )
        self._due_s = 0.0
        self._sent: set[str] = set()

    def pose(self, done: int, total: int) -> None:
        self._now_and_then(lambda: self.say(TrainingState.POSING, done=done / total))

    def step(self, progress: Progress) -> None:
        self._status = replace(
            self._status,
            step=progress.step,
            seconds_per_step=round(progress.seconds_per_step, 3),
            losses=dict(progress.losses),
        )
        self._now_and_then(lambda: self._tell_step(progress))

    def say(self, state: TrainingState, *, done: float, message: str = "") -> None:
        self._status = replace(self._status, state=state, done=round(done, 4), message=message)
        put_status(self._store, self._status)

    def mirror(self) -> None:
        """Put losses and new samples into the store."""
        for name in (_LOSSES, LOSSES_PICTURE):
            if (self._out / name).is_file():
                self._store.put_file(self._keys.out(name), self._out / name)
        for path in sorted((self._out / _SAMPLES).glob("*.png")):
            if path.name not in self._sent:
                self._store.put_file(self._keys.out(f"{_SAMPLES}/{path.name}"), path)
                self._sent.add(path.name)

    def _tell_step(self, progress: Progress) -> None:
        self.say(TrainingState.TRAINING, done=progress.done)
        self.mirror()

    def _now_and_then(self, tell: Callable[[], None]) -> None:
        if time.monotonic() >= self._due_s:
            tell()
            self._due_s = time.monotonic() + _TELL_EVERY_S


def _say_nothing(progress: Progress) -> None:
    """Replica 0 tells of them all."""
