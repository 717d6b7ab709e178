"""Replicas that share a batch out learn what one learns from the whole of it."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bodyswap.training.dataset import draw_batch
from bodyswap.training.replica import ALONE, average_gradients
from tests.training.replica_process import CONFIG, SIZE, Learnt, learn, learn_as
from tests.training.subject_film import film

PROGRAM = Path(__file__).parent / "replica_process.py"
ROOT = Path(__file__).parents[2]
WHOLE = replace(CONFIG, batch=SIZE * CONFIG.batch, twins=SIZE * CONFIG.twins)


def test_the_parts_of_a_batch_are_together_the_whole_one() -> None:
    footage = film(8)
    for step in (0, 1):
        parts = [draw_batch(footage, CONFIG, step, rank=rank, of=SIZE) for rank in range(SIZE)]
        one = draw_batch(footage, WHOLE, step)
        assert sorted(seed for part in parts for seed in part.seeds) == sorted(one.seeds)
        for rank, part in enumerate(parts):
            mine = [one.seeds.index(seed) for seed in part.seeds]
            assert mine == [rank, rank + SIZE, 2 * SIZE + rank]
            assert torch.equal(part.real_BT3HW, one.real_BT3HW[mine])
            assert torch.equal(part.keypoints_BTK2, one.keypoints_BTK2[mine])
            assert torch.equal(part.confidence_BTK, one.confidence_BTK[mine])


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> list[Learnt]:
    """What each of two came to: this process and a real other one, that spoke over gloo."""
    folder = tmp_path_factory.mktemp("replicas")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(PROGRAM), str(folder), "1"]
    with subprocess.Popen(command, env=environment) as other:
        learn_as(0, folder)
    assert other.returncode == 0
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(SIZE)]


def test_replicas_end_with_the_same_weights_to_the_bit(replicas: list[Learnt]) -> None:
    one, other = replicas
    for part, values in one.items():
        for name, value in values.items():
            assert torch.equal(value, other[part][name]), (part, name)


def test_replicas_learn_what_one_learns_from_the_whole_batch(replicas: list[Learnt]) -> None:
    alone = learn(WHOLE, ALONE)
    for part, wanted in alone.items():
        got = replicas[0][part]
        off = {name: float((got[name] - value).norm()) for name, value in wanted.items()}
        # Against the part's whole size: some gradients are nothing but rounding, and Adam's steps
        # are of one size whatever a gradient's is.
        whole_size = sum(float(value.square().sum()) for value in wanted.values()) ** 0.5
        assert max(off.values()) <= 1e-4 * whole_size, (part, max(off, key=off.__getitem__))


def test_one_replica_leaves_its_gradients_as_they_are() -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    average_gradients(ALONE, [weight])
    assert weight.grad is None
