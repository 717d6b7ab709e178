"""The verbs of trainings ask for what their options say, and refuse what cannot be."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bodyswap.errors import BodyswapError, JobError, UsageError
from cluster.cli.train import app
from cluster.jobs.keys import TrainingKeys, weights_file
from cluster.stores.local import LocalStore
from cluster.training.status import read_training
from tests.cluster.tiny_training import film_clip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film_clip(tmp_path_factory.mktemp("clips") / "rex.mp4")


def _say(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=True)
    if isinstance(done.exception, BodyswapError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def _submit(clip: Path, store: Path, *more: object) -> str:
    options = ("--subject", "rex", "--store", store, "--json", *more)
    return str(json.loads(_say("submit-train", clip, *options))["training"])


def test_a_request_becomes_a_training_of_all_its_options(clip: Path, tmp_path: Path) -> None:
    store, vgg = LocalStore(tmp_path), tmp_path / "vgg.pth"
    vgg.write_bytes(b"weights")
    training = _submit(
        f"{clip}@1001-1008", tmp_path, "--workers", 3, "--hold-out", "1007-1008", "--vgg", vgg,
        "--consent", "synthetic", "--recipe", "temporal", "--steps", 7, "--set", "training.batch=5",
    )  # fmt: skip
    spec = read_training(store, training)
    assert (spec.subject, spec.consent, spec.workers) == ("rex", "synthetic", 3)
    assert [str(part.frames) for part in spec.parts] == ["1001-1006"]
    assert [str(part.frames) for part in spec.held_out] == ["1007-1008"]
    told = spec.settings["training"]
    assert isinstance(told, dict)
    assert (told["steps"], told["batch"], told["ping_pong"]) == (7, 5, False)
    assert told["vgg_weights"] is None and spec.vgg is not None
    assert store.get(weights_file(spec.vgg)) == b"weights"


def test_the_same_request_twice_is_one_training_and_another_is_another(
    clip: Path, tmp_path: Path
) -> None:
    first, again = _submit(clip, tmp_path), _submit(clip, tmp_path)
    other = _submit(clip, tmp_path, "--workers", 2)
    assert first == again != other
    told = [
        json.loads(line)
        for line in _say("trainings", "--store", tmp_path, "--json").split("\n")
        if line
    ]
    assert {(one["training"], one["state"]) for one in told} == {
        (first, "waiting"),
        (other, "waiting"),
    }


def test_what_cannot_be_trained_is_refused_before_anything_is_stored(
    clip: Path, tmp_path: Path
) -> None:
    for wrong, told in (
        (("--hold-out", "1001-1012"), "every frame is held out"),
        (("--set", "training.stepz=1"), "did you mean 'training.steps'"),
        (("--vgg", tmp_path / "absent.pth"), "not there"),
        (("--subject", "rex/1"), "no name to store"),
    ):
        with pytest.raises(UsageError, match=told):
            _submit(clip, tmp_path / "store", *wrong)
    assert LocalStore(tmp_path / "store").list_keys("") == []


def test_one_process_cannot_be_several_workers(clip: Path, tmp_path: Path) -> None:
    training = _submit(clip, tmp_path, "--workers", 2)
    with pytest.raises(UsageError, match="asks for 2 workers"):
        _say("work-train", training[:6], "--runtime", "inline", "--store", tmp_path)
    with pytest.raises(JobError, match="'zzz' is no training's id"):
        _say("work-train", "zzz", "--store", tmp_path)
    assert LocalStore(tmp_path).get(TrainingKeys(training=training).status) is None
