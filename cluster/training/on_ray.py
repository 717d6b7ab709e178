"""Trainings on Ray: a group of workers, one a replica, started anew where one of them dies.

It does not know what a replica does, see `training_run`. Ray keeps nothing: every state is in the
store, so whoever runs a training again, here or elsewhere, goes on with it.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ray
from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchConfig, TorchTrainer
from ray.train.v2.api.exceptions import TrainingFailedError

from bodyswap.errors import BodyswapError
from cluster.jobs.training_spec import TrainingSpec
from cluster.stores.store import Store
from cluster.training.status import read_training
from cluster.workers.crew import share
from cluster.workers.ray_nodes import start_ray

_MOST_DEATHS = 20
"""How often a training's workers are started anew before it is given up for now."""
_LONGEST_WAIT_S = 24 * 3600
"""How long replicas wait for one another: replica 0 poses all footage meanwhile."""


def train_on_ray(store: Store, spec: TrainingSpec, scratch: Path, *, address: str | None) -> None:
    """Run the training on Ray, on this machine or in the cluster at `address`, to its end.

    Raises:
        BodyswapError: its workers died too often; running it again goes on.
    """
    with _connected(address) as machine, tempfile.TemporaryDirectory() as rays:
        part = share(cpus=machine.cpus, gpus=machine.gpus, workers=spec.workers)
        resources = {"CPU": part.cpus} | ({"GPU": part.gpus} if machine.gpus else {})
        trainer = TorchTrainer(
            _run_worker,
            train_loop_config={
                "store": store.url, "training": spec.training, "scratch": str(scratch),
            },
            torch_config=TorchConfig(
                backend="cpu:gloo,cuda:nccl" if machine.gpus >= spec.workers else "gloo",
                timeout_s=_LONGEST_WAIT_S,
            ),
            scaling_config=ScalingConfig(
                num_workers=spec.workers,
                use_gpu=machine.gpus > 0,
                resources_per_worker=resources,
            ),
            run_config=RunConfig(
                name=spec.training,
                storage_path=rays,
                failure_config=FailureConfig(max_failures=_MOST_DEATHS),
            ),
        )  # fmt: skip
        try:
            trainer.fit()
        except TrainingFailedError as error:
            raise BodyswapError(
                f"training {spec.training} was given up for now: {_last_line(error)}; "
                "the same command goes on from its last state"
            ) from error


@dataclass(frozen=True, kw_only=True)
class _Machine:
    """What Ray has to share out."""

    cpus: int
    gpus: int


@contextmanager
def _connected(address: str | None) -> Iterator[_Machine]:
    is_ours = not ray.is_initialized()
    if is_ours:
        start_ray(address)
    try:
        found = ray.cluster_resources()  # type: ignore[no-untyped-call]  # ray's types are partial
        yield _Machine(cpus=int(found.get("CPU", 1)), gpus=int(found.get("GPU", 0)))
    finally:
        if is_ours:
            ray.shutdown()


def _run_worker(config: dict[str, str]) -> None:
    """The loop of one of Ray's workers; torch comes with what it imports."""
    from bodyswap.training.replica import TorchReplica
    from cluster.stores.opening import open_store
    from cluster.training.run import run_replica

    store = open_store(config["store"])
    spec = read_training(store, config["training"])
    run_replica(store, spec, TorchReplica(), Path(config["scratch"]))


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
