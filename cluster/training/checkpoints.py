"""A training run's states in the store, so that any machine goes on where another was killed.

It does not know what a state holds, nor who trains.
"""

from bodyswap.training.checkpoints import MarkedCheckpoints
from cluster.jobs.keys import TrainingKeys
from cluster.stores.store import Store


class StoreCheckpoints(MarkedCheckpoints):
    """The last states of the training run `training`, under training/<id>/states/."""

    def __init__(self, store: Store, training: str) -> None:
        prefix = TrainingKeys(training=training).states
        super().__init__(store, prefix, f"{store.url}/{prefix}")
