"""A training on the farm ends with the subject in the store, whatever is killed on the way."""

import csv
import io
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bodyswap.errors import UsageError
from bodyswap.nets.checkpoint import load_subject
from bodyswap.training.replica import ALONE
from cluster.jobs.keys import TrainingKeys
from cluster.jobs.refs import SubjectRef
from cluster.jobs.subjects import pull_subject, stored_subject
from cluster.jobs.training_spec import TrainingState
from cluster.stores.local import LocalStore
from cluster.training.run import run_replica
from cluster.training.status import read_status, read_training
from cluster.training.submit import submit_training
from tests.cluster.tiny_training import (
    COUNT,
    HELD_OUT,
    NOW_S,
    SETTINGS,
    STEPS,
    film_clip,
    request,
    submit_tiny,
)

ROOT = Path(__file__).parents[2]
WEIGHTS = "generator.safetensors"


class _NotingStore(LocalStore):
    """A store that remembers what was put into it by whom it was opened for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.written: list[str] = []

    def put(self, key: str, data: bytes) -> None:
        self.written.append(key)
        super().put(key, data)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film_clip(tmp_path_factory.mktemp("clips") / "rex.mp4")


def _finished(store: LocalStore, training: str, scratch: Path) -> SubjectRef:
    spec = read_training(store, training)
    run_replica(store, spec, ALONE, scratch)
    assert read_status(store, spec).state is TrainingState.FINISHED
    return stored_subject(store, "rex")


def _hash(subject: SubjectRef, name: str) -> str:
    return next(file.sha256 for file in subject.files if file.name == name)


@pytest.fixture(scope="module")
def undisturbed(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalStore, str]:
    """A store with a training that nobody disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    store = LocalStore(folder / "store")
    training = submit_tiny(store, clip)
    _finished(store, training, folder / "scratch")
    return store, training


def test_the_subject_is_in_the_store_measured_and_what_led_there_beside(
    undisturbed: tuple[LocalStore, str], tmp_path: Path
) -> None:
    store, training = undisturbed
    pull_subject(store, stored_subject(store, "rex"), tmp_path / "rex")
    card = load_subject(tmp_path / "rex", "cpu").card
    assert card.origin.consent == "synthetic"
    assert card.training is not None and card.training.frames == COUNT - HELD_OUT
    assert card.held_out is not None and card.held_out.frames == HELD_OUT
    told = store.get(TrainingKeys(training=training).out("losses.csv"))
    assert told is not None
    rows = list(csv.DictReader(io.StringIO(told.decode())))
    assert [int(row["step"]) for row in rows] == list(range(1, STEPS + 1))
    for name in ("samples/000004.png", "losses.png"):
        assert store.head(TrainingKeys(training=training).out(name)) is not None, name


def test_a_finished_training_is_not_begun_again(
    undisturbed: tuple[LocalStore, str], tmp_path: Path
) -> None:
    store, training = undisturbed
    run_replica(store, read_training(store, training), ALONE, tmp_path / "scratch")
    assert not (tmp_path / "scratch").exists()


def test_a_killed_training_goes_on_elsewhere_to_the_same_weights_and_losses(
    undisturbed: tuple[LocalStore, str], clip: Path, tmp_path: Path
) -> None:
    store = LocalStore(tmp_path / "store")
    training = submit_tiny(store, clip)
    command = [
        sys.executable, "-m", "cluster", "work-train", training, "--runtime", "inline",
        "--store", str(tmp_path / "store"), "--scratch", str(tmp_path / "first"),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        third = TrainingKeys(training=training).states + "00000003.json"
        while store.head(third) is None:
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    keys = TrainingKeys(training=training)
    assert store.head(keys.subject) is None, "it was killed too late to tell"
    noting = _NotingStore(tmp_path / "store")
    again = _finished(noting, training, tmp_path / "second")
    assert f"{keys.states}00000001.pt" not in noting.written, "it began anew"
    assert _hash(again, WEIGHTS) == _hash(stored_subject(undisturbed[0], "rex"), WEIGHTS)
    losses = TrainingKeys(training=undisturbed[1]).out("losses.csv")
    assert store.get(keys.out("losses.csv")) == undisturbed[0].get(losses)


def test_a_training_that_cannot_be_done_is_told_of_as_failed_and_may_be_tried_anew(
    clip: Path, tmp_path: Path
) -> None:
    store = LocalStore(tmp_path / "store")
    submit_tiny(store, clip)
    bad = tmp_path / "vgg.pth"
    bad.write_bytes(b"no weights")
    settings = replace(SETTINGS, training=replace(SETTINGS.training, vgg_weights=bad))
    wanted = request(clip, settings=settings)
    spec = read_training(store, submit_training(store, wanted, workers=1, now_s=NOW_S))
    run_replica(store, spec, ALONE, tmp_path / "scratch")
    status = read_status(store, spec)
    assert (status.state, status.exit_code) == (TrainingState.FAILED, UsageError.exit_code)
    assert "does not hold VGG-16's weights" in status.message
    submit_training(store, wanted, workers=1, now_s=NOW_S)
    assert read_status(store, spec).state is TrainingState.WAITING
