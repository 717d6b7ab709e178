"""Runs a training's replicas in processes of their own that meet over gloo, without Ray.

python replica_run.py STORE TRAINING RANK SIZE FOLDER
"""

import os
import subprocess
import sys
from pathlib import Path

import torch.distributed

from bodyswap.training.replica import TorchReplica
from cluster.stores.local import LocalStore
from cluster.training.run import run_replica
from cluster.training.status import read_training

ROOT = Path(__file__).parents[2]


def one_thread() -> dict[str, str]:
    """The environment of a process: more threads would add in another order, to other bits."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def run_replicas(store: Path, training: str, size: int, folder: Path) -> None:
    """Run all of them to their end."""
    started = [
        subprocess.Popen(
            [sys.executable, __file__, *map(str, (store, training, rank, size, folder))],
            env=one_thread(),
        )
        for rank in range(size)
    ]
    assert [process.wait() for process in started] == [0] * size


if __name__ == "__main__":
    place, wanted, rank, size, meeting = sys.argv[1:]
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{meeting}/meeting", rank=int(rank), world_size=int(size)
    )
    kept = LocalStore(Path(place))
    run_replica(kept, read_training(kept, wanted), TorchReplica(), Path(meeting) / "scratch")
    torch.distributed.destroy_process_group()
