"""Which machines people want to leave the farm, as the store has it.

It does not know what a machine is: names are handed to the runtime as they were given.
"""

from bodyswap.errors import UsageError
from cluster.jobs.keys import DRAINS, key_part
from cluster.stores.store import Store


def drain(store: Store, node: str) -> None:
    """Let `node` go: its workers hand their shards back, nothing new goes there.

    Raises:
        UsageError: no machine can have such a name.
    """
    store.put(_key(node), b"")


def let_in(store: Store, node: str) -> None:
    """Take it back; a machine that Ray has begun to drain comes back once it is started anew."""
    store.delete(_key(node))


def drained_nodes(store: Store) -> tuple[str, ...]:
    """The names of the machines that are to leave."""
    return tuple(key[len(DRAINS) :] for key in store.list_keys(DRAINS))


def _key(node: str) -> str:
    if not node or key_part(node) != node:
        raise UsageError(f"'{node}' is no machine's name; `ray list nodes` shows them")
    return DRAINS + node
