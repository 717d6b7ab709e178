"""Ray's workers train one subject together, and to the same end when one of them is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cluster.jobs.keys import TrainingKeys
from cluster.jobs.subjects import stored_subject
from cluster.stores.local import LocalStore
from tests.cluster.replica_run import one_thread, run_replicas
from tests.cluster.tiny_training import film_clip, submit_tiny

WORKERS = 2


def _trainers(driver: int) -> list[int]:
    """Ray's training workers among the processes that descend from this one."""
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            parents[int(folder.name)] = int(fields[1])
            names[int(folder.name)] = (folder / "cmdline").read_text()
        except OSError:  # it ended meanwhile
            continue
    return sorted(
        pid
        for pid, name in names.items()
        if "RayTrainWorker" in name and driver in _above(pid, parents)
    )


def _above(pid: int, parents: dict[int, int]) -> list[int]:
    chain = [pid]
    while chain[-1] in parents:
        chain.append(parents[chain[-1]])
    return chain


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalStore, str]:
    """A store with the training done by as many processes, without Ray, that nobody killed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    store = LocalStore(folder / "store")
    training = submit_tiny(store, film_clip(folder / "rex.mp4"), workers=WORKERS)
    run_replicas(folder / "store", training, WORKERS, folder)
    return store, training


@pytest.mark.timeout(900)
def test_a_killed_worker_is_replaced_and_the_training_ends_as_if_it_had_not_been(
    undisturbed: tuple[LocalStore, str], tmp_path: Path
) -> None:
    store = LocalStore(tmp_path / "store")
    training = submit_tiny(store, film_clip(tmp_path / "rex.mp4"), workers=WORKERS)
    keys = TrainingKeys(training=training)
    command = [
        sys.executable, "-m", "cluster", "work-train", training, "--runtime", "ray",
        "--store", str(tmp_path / "store"), "--scratch", str(tmp_path / "scratch"),
    ]  # fmt: skip
    with subprocess.Popen(command, env=one_thread()) as driver:
        while store.head(f"{keys.states}00000002.json") is None:
            assert driver.poll() is None, "it ended before a worker could be killed"
            time.sleep(0.01)
        trainers = _trainers(driver.pid)
        assert len(trainers) == WORKERS
        os.kill(trainers[0], signal.SIGKILL)
        assert store.head(keys.subject) is None, "it was killed too late to tell"
    assert driver.returncode == 0
    assert training == undisturbed[1]
    assert store.get(keys.out("losses.csv")) == undisturbed[0].get(keys.out("losses.csv"))
    assert _weights(store) == _weights(undisturbed[0])


def _weights(store: LocalStore) -> str:
    files = stored_subject(store, "rex").files
    return next(file.sha256 for file in files if file.name == "generator.safetensors")
