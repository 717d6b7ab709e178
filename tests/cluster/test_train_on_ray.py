"""Ray's workers train one subject together, and one that is killed is replaced."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bodyswap.nets.checkpoint import load_subject
from cluster.store_local import LocalStore
from cluster.subjects import pull_subject, stored_subject
from cluster.training_spec import TrainingKeys
from tests.cluster.tiny_training import STEPS, film_clip, submit_tiny

ROOT = Path(__file__).parents[2]
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


@pytest.mark.timeout(600)
def test_a_killed_worker_is_replaced_and_the_training_goes_on_to_its_end(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    training = submit_tiny(store, film_clip(tmp_path / "rex.mp4"), workers=WORKERS)
    keys = TrainingKeys(training=training)
    command = [
        sys.executable, "-m", "cluster", "work-train", training, "--runtime", "ray",
        "--store", str(tmp_path / "store"), "--scratch", str(tmp_path / "scratch"),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment) as driver:
        while store.head(f"{keys.states}00000002.json") is None:
            assert driver.poll() is None, "it ended before a worker could be killed"
            time.sleep(0.01)
        trainers = _trainers(driver.pid)
        assert len(trainers) == WORKERS
        os.kill(trainers[0], signal.SIGKILL)
        assert store.head(keys.subject) is None, "it was killed too late to tell"
    assert driver.returncode == 0
    pull_subject(store, stored_subject(store, "rex"), tmp_path / "rex")
    record = load_subject(tmp_path / "rex", "cpu").card.training
    assert record is not None and record.steps == STEPS
    losses = store.get(keys.out("losses.csv"))
    assert losses is not None
    steps = [line.split(",")[0] for line in losses.decode().splitlines()]
    assert steps == ["step", *map(str, range(1, STEPS + 1))]
