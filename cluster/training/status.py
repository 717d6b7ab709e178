"""How far a training is, as the store tells it to people.

It does not know who trains.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bodyswap.errors import BodyswapError, JobError
from cluster.jobs.keys import TRAINING, TrainingKeys
from cluster.jobs.training_spec import TrainingSpec, TrainingState
from cluster.stores.record import from_json, from_yaml, to_json
from cluster.stores.store import Store, missing


@dataclass(frozen=True, kw_only=True)
class TrainingStatus:
    """One look at a training; `done` is the spent fraction of its budget, or of the posing."""

    training: str
    subject: str
    state: TrainingState
    step: int = 0
    done: float = 0.0
    seconds_per_step: float = 0.0
    losses: Mapping[str, float] = field(default_factory=dict)
    message: str = ""
    exit_code: int = 0


def put_status(store: Store, status: TrainingStatus) -> None:
    """Tell it, over what was told before."""
    store.put(TrainingKeys(training=status.training).status, to_json(status))


def failed(spec: TrainingSpec, error: BodyswapError) -> TrainingStatus:
    """The status of a training that cannot be done as written."""
    return TrainingStatus(
        training=spec.training, subject=spec.subject, state=TrainingState.FAILED,
        message=str(error), exit_code=error.exit_code,
    )  # fmt: skip


def read_status(store: Store, spec: TrainingSpec) -> TrainingStatus:
    """How far the training is; one that nobody began waits."""
    key = TrainingKeys(training=spec.training).status
    data = store.get(key)
    if data is None:
        return TrainingStatus(
            training=spec.training, subject=spec.subject, state=TrainingState.WAITING
        )
    return from_json(data, TrainingStatus, what=key)


def read_training(store: Store, training: str) -> TrainingSpec:
    """The training of this id. Raises StoreError where there is none, or its spec is damaged."""
    key = TrainingKeys(training=training).spec
    data = store.get(key)
    if data is None:
        raise missing(key, store.url)
    return from_yaml(data, TrainingSpec, what=key)


def find_training(store: Store, prefix: str) -> TrainingSpec:
    """The one training whose id begins with `prefix`. Raises JobError otherwise."""
    found = [one for one in training_ids(store) if one.startswith(prefix)]
    if len(found) == 1:
        return read_training(store, found[0])
    wrong = f"fits {len(found)} trainings: {', '.join(found)}" if found else "is no training's id"
    raise JobError(f"'{prefix}' {wrong}; `bodyswap trainings` shows those of {store.url}")


def training_ids(store: Store) -> list[str]:
    """Every training of the store."""
    suffix = TrainingKeys(training="x").spec.rpartition("/")[2]
    return [key.split("/")[1] for key in store.list_keys(TRAINING) if key.endswith(f"/{suffix}")]


def unfinished_trainings(store: Store) -> list[TrainingSpec]:
    """Those with work left, in the order they were submitted."""
    specs = [read_training(store, training) for training in training_ids(store)]
    left = [spec for spec in specs if not read_status(store, spec).state.is_final]
    return sorted(left, key=lambda spec: (spec.submitted_at, spec.training))


def training_error(status: TrainingStatus) -> BodyswapError:
    """What a verb ends with, where its training did."""
    error = JobError(f"training {status.training} failed: {status.message}")
    error.exit_code = status.exit_code or JobError.exit_code
    return error
