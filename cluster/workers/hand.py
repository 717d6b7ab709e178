"""One Ray worker as its runtime knows it, from its hiring until it is known to be gone."""

from dataclasses import dataclass

from ray.actor import ActorHandle

from cluster.jobs.order import Order
from cluster.workers.crew import CrewPlan
from cluster.workers.process_tree import Process
from cluster.workers.ray_actor import ActorProcess
from cluster.workers.settings import FarmSettings

_GIB = 2**30


@dataclass(kw_only=True, eq=False)
class Hand:
    """Who it is, where it runs, what it does now. It answers orders once `process` is known."""

    name: str
    crew: CrewPlan
    handle: ActorHandle[ActorProcess]
    node: str = ""
    process: Process | None = None
    order: Order | None = None
    orders_done: int = 0
    memory_bytes: int = 0
    is_asked: bool = False
    busy_at_s: float = 0.0
    left_at_s: float | None = None

    def is_worn(self, settings: FarmSettings) -> bool:
        """True where it has grown too large or served too long, and somebody new is to follow."""
        most_gib = settings.most_memory_gib
        is_fat = most_gib is not None and self.memory_bytes > most_gib * _GIB
        return is_fat or self.orders_done >= settings.orders_a_life
