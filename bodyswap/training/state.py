"""Saves and restores a run, so that a killed one goes on where it was; and its loss record.

It does not know what a subject is, nor where states are kept.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Protocol

import torch

from bodyswap.errors import SubjectError
from bodyswap.training.step import LOSSES, Trainer


class Checkpoints(Protocol):
    """Where a run's last states are kept; a kill at any moment must leave one that is whole."""

    def newest(self) -> bytes | None:
        """The newest whole state, or None where there is none yet."""

    def put(self, step: int, data: bytes) -> None:
        """Keep the state after `step`; a kill meanwhile leaves those from before."""


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What a run has used of its budget."""

    steps: int = 0
    seconds: float = 0.0


class LossRecord:
    """losses.csv: one row a step. It is written anew from `kept`, the rows up to a state."""

    def __init__(self, path: Path, kept: str = "") -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        path.write_text(kept or _row(("step", *LOSSES)), newline="")

    @property
    def text(self) -> str:
        """The whole file, as a state keeps it."""
        with self._path.open(newline="") as file:
            return file.read()

    def add(self, step: int, losses: Mapping[str, float]) -> None:
        with self._path.open("a", newline="") as file:
            file.write(_row((str(step), *(f"{losses[name]:.6g}" for name in LOSSES))))


def save_state(
    checkpoints: Checkpoints, trainer: Trainer, spent: Spent, record: LossRecord
) -> None:
    """Keep everything the next step depends on, and the losses that led there."""
    data = io.BytesIO()
    torch.save(
        {
            "steps": spent.steps,
            "seconds": spent.seconds,
            "losses": record.text,
            "trainer": trainer.state(),
        },
        data,
    )
    checkpoints.put(spent.steps, data.getvalue())


def restore_state(
    checkpoints: Checkpoints, trainer: Trainer, losses: Path
) -> tuple[Spent, LossRecord]:
    """Put the trainer where the newest state left it; a run that left none starts at 0.

    `losses` becomes what it was at that state, on whatever machine the run was killed. Replica 0
    looks, so that all go on from one state.

    Raises:
        SubjectError: the state is damaged, or of networks of another size.
    """
    replica = trainer.replica
    data = replica.share(checkpoints.newest() if replica.rank == 0 else None)
    if data is None:
        return Spent(), LossRecord(losses)
    try:
        stored = torch.load(io.BytesIO(data), map_location=trainer.device, weights_only=True)
        trainer.restore(stored["trainer"])
        spent = Spent(steps=int(stored["steps"]), seconds=float(stored["seconds"]))
        return spent, LossRecord(losses, str(stored["losses"]))
    except (RuntimeError, KeyError, ValueError, EOFError, UnpicklingError) as error:
        raise SubjectError(
            f"cannot resume training: {str(error).splitlines()[0]}; give the settings it began"
            " with, or remove its states to start anew"
        ) from error


def _row(cells: tuple[str, ...]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
