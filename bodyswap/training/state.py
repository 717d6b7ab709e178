"""Saves and restores a run, so that a killed one goes on where it was; and its loss record.

It does not know what a subject is.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch

from bodyswap.errors import SubjectError
from bodyswap.training.step import LOSSES, Trainer


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What a run has used of its budget."""

    steps: int = 0
    seconds: float = 0.0


def save_state(path: Path, trainer: Trainer, spent: Spent) -> None:
    """Write everything the next step depends on, at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".partial")
    torch.save(
        {
            "steps": spent.steps,
            "seconds": spent.seconds,
            "updates": trainer.updates,
            "generator": trainer.generator.state_dict(),
            "average": trainer.average,
            "frame_judge": trainer.frame_judge.state_dict(),
            "time_judge": trainer.time_judge.state_dict(),
            "generator_optimiser": trainer.generator_optimiser.state_dict(),
            "judge_optimiser": trainer.judge_optimiser.state_dict(),
        },
        scratch,
    )
    scratch.replace(path)


def restore_state(path: Path, trainer: Trainer) -> Spent:
    """Put the trainer where `path` left it; a run that left nothing starts at 0.

    Raises:
        SubjectError: the state is damaged, or of networks of another size.
    """
    if not path.exists():
        return Spent()
    try:
        stored = torch.load(path, map_location=trainer.device, weights_only=True)
        trainer.generator.load_state_dict(stored["generator"])
        trainer.frame_judge.load_state_dict(stored["frame_judge"])
        trainer.time_judge.load_state_dict(stored["time_judge"])
        trainer.generator_optimiser.load_state_dict(stored["generator_optimiser"])
        trainer.judge_optimiser.load_state_dict(stored["judge_optimiser"])
        trainer.average = stored["average"]
        trainer.updates = int(stored["updates"])
        return Spent(steps=int(stored["steps"]), seconds=float(stored["seconds"]))
    except (RuntimeError, KeyError, ValueError, EOFError, UnpicklingError) as error:
        raise SubjectError(
            f"cannot resume from '{path}': {str(error).splitlines()[0]}; remove it to start anew"
        ) from error


class LossRecord:
    """losses.csv: one row a step. Rows past the step resumed from are dropped."""

    def __init__(self, path: Path, after_step: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        rows: list[list[str]] = []
        if path.exists():
            with path.open(newline="") as file:
                rows = [row for row in csv.reader(file) if row and row[0].isdigit()]
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["step", *LOSSES])
            writer.writerows(row for row in rows if int(row[0]) <= after_step)

    def add(self, step: int, losses: Mapping[str, float]) -> None:
        with self._path.open("a", newline="") as file:
            csv.writer(file).writerow([step, *(f"{losses[name]:.6g}" for name in LOSSES)])
