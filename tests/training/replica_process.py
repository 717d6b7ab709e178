"""Learns from a step as one of two replicas, in a process of its own; the test compares.

python replica_process.py FOLDER RANK    leaves FOLDER/RANK.pt
"""

import sys
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed

from bodyswap.nets.vgg import VggFeatures
from bodyswap.training.config import TrainingConfig
from bodyswap.training.dataset import draw_batch
from bodyswap.training.loop import generator_config
from bodyswap.training.replica import Replica, TorchReplica
from bodyswap.training.step import Trainer
from tests.training.subject_film import STANCE, TINY, film

SIZE, STEP = 2, 1
CONFIG = replace(TINY, batch=2, twins=1)
"""In this step's windows one sequence of four shows its face, so that one replica sees none."""

Learnt = dict[str, dict[str, torch.Tensor]]


def learn(config: TrainingConfig, replica: Replica) -> Learnt:
    """What decides the next step: weights, the gradients' moments, and the losses told of it."""
    footage = film(8)
    shape = generator_config(footage, STANCE, config.networks)
    torch.manual_seed(7)
    vgg = VggFeatures()
    trainer = Trainer(config, shape, vgg, torch.device("cpu"), replica)
    batch = draw_batch(footage, config, STEP, rank=replica.rank, of=replica.size)
    losses = trainer.train(batch, done=0.9)
    return {
        "generator": dict(trainer.average),
        "generator gradients": _moments(trainer.generator_optimiser),
        "judges": dict(trainer.judges.state_dict()),
        "judge gradients": _moments(trainer.judge_optimiser),
        "losses": {name: torch.tensor(loss) for name, loss in losses.items()},
    }


def _moments(optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    return {str(key): state["exp_avg"] for key, state in optimiser.state_dict()["state"].items()}


def learn_as(rank: int, folder: Path) -> None:
    """Meet the other replica in the folder, learn, and leave there what was learnt."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=SIZE
    )
    torch.save(learn(CONFIG, TorchReplica()), folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    learn_as(int(sys.argv[2]), Path(sys.argv[1]))
