"""Trains on the tiny film in a process of its own, to be killed; may kill itself in a checkpoint.

python killed_training.py OUT [KEY_END]    KEY_END: dies before the write of the key that ends so
"""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from bodyswap.nets.card import Origin
from bodyswap.nets.checkpoint import Subject
from bodyswap.training.checkpoints import MarkedCheckpoints, _Folder
from bodyswap.training.config import TrainingConfig
from bodyswap.training.loop import STATES, Progress, train_subject
from bodyswap.training.state import Checkpoints
from tests.training.subject_film import STANCE, TINY, film

OFTEN = replace(TINY, steps=6, half_size_until=0.3, export_every_s=0.0)
"""Steps 1 to 6 each end with a state; the discriminators join at step 4."""


class _Dying(_Folder):
    def __init__(self, folder: Path, dies_at: str) -> None:
        super().__init__(folder)
        self._dies_at = dies_at

    def put(self, key: str, data: bytes) -> None:
        if key.endswith(self._dies_at):
            os.kill(os.getpid(), signal.SIGKILL)
        super().put(key, data)


def _tell(progress: Progress) -> None:
    print(f"step {progress.step}", flush=True)  # noqa: T201 - the tests kill it by this


def train_film(
    out: Path,
    config: TrainingConfig = OFTEN,
    checkpoints: Checkpoints | None = None,
    on_progress: Callable[[Progress], None] = _tell,
) -> Subject:
    """Train on the tiny film, saying each step to whoever reads."""
    return train_subject(
        film(),
        config,
        out,
        origin=Origin(subject="mara", consent="synthetic"),
        stance=STANCE,
        on_progress=on_progress,
        checkpoints=checkpoints,
    )


def assert_same_end(one: tuple[Path, Subject], other: tuple[Path, Subject]) -> None:
    """Two runs, each its folder and subject, ended alike: bit for bit."""
    assert (one[0] / "losses.csv").read_bytes() == (other[0] / "losses.csv").read_bytes()
    weights = other[1].generator.state_dict()
    for name, value in one[1].generator.state_dict().items():
        assert torch.equal(value, weights[name]), name


if __name__ == "__main__":
    folder, *death = sys.argv[1:]
    dying = None
    if death:
        dying = MarkedCheckpoints(_Dying(Path(folder) / STATES, death[0]), "", folder)
    # Samples make steps last, so that whoever watches can kill it in the middle.
    train_film(Path(folder), OFTEN if death else replace(OFTEN, sample_every=1), dying)
