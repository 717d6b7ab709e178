"""Ending a worker's process so that it is known to be gone: who does it, and what is heard of it.

It does not know what becomes of the worker's order.
"""

import logging
from collections.abc import Iterable

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cluster.jobs.failures import Cause, ray_cause
from cluster.workers.hand import Hand
from cluster.workers.process_tree import end_tree

_CONFIRM_WITHIN_S = 10.0
"""So long a killed process may take to be gone; then its machine is thought out of reach."""

_log = logging.getLogger(__name__)


def begin_end(hand: Hand, hands: Iterable[Hand], *, is_leaving: bool) -> "ray.ObjectRef[bool]":
    """Have the process ended by somebody on its node: a colleague of `hands`, else a task.

    On a node that `is_leaving` Ray places no task any more, and the colleagues leave too: there
    each ends itself.
    """
    assert hand.process is not None, f"{hand.name} has no process yet"
    if is_leaving:
        return hand.handle.end.remote(hand.process, _CONFIRM_WITHIN_S)
    # Ray may think a process dead that is only out of reach: make sure before it is replaced.
    ray.kill(hand.handle, no_restart=True)
    for other in hands:
        if other.node == hand.node and other.process and other.left_at_s is None:
            return other.handle.end.remote(hand.process, _CONFIRM_WITHIN_S)
    on_its_node = NodeAffinitySchedulingStrategy(hand.node, soft=False)
    task = ray.remote(end_tree).options(num_cpus=0, max_retries=0, scheduling_strategy=on_its_node)
    return task.remote(hand.process, _CONFIRM_WITHIN_S)


def has_ended(hand: Hand, ref: "ray.ObjectRef[bool]") -> bool:
    """Whether it is certain that the process is gone, now that `ref` is there."""
    try:
        return ray.get(ref)
    except RayError as error:
        # Whoever ended itself cannot say so: its raylet saw the process go.
        if _is_own_end(error, hand):
            return True
        _log.warning("whether %s is gone cannot be told: %s", hand.name, error)
        return False


def _is_own_end(error: RayError, hand: Hand) -> bool:
    """True where the error tells of the end of the hand's process, by whoever waited for it."""
    is_of_it = getattr(error, "actor_id", None) == hand.handle._actor_id.hex()
    is_seen = "worker process has died" in str(error)
    return is_of_it and is_seen and ray_cause(error) is Cause.DEATH
