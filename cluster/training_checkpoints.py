"""A training run's states in the store, so that any machine goes on where another was killed.

It does not know what a state holds, nor who trains.
"""

from bodyswap.training.checkpoints import MarkedCheckpoints
from cluster.store import Store

TRAINING = "training/"


class StoreCheckpoints(MarkedCheckpoints):
    """The last states of the training run `training`, under training/<id>/."""

    def __init__(self, store: Store, training: str) -> None:
        prefix = f"{TRAINING}{training}/"
        super().__init__(store, prefix, f"{store.url}/{prefix}")
