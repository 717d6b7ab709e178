"""One of several processes that train the same subject, each on its own part of every batch.

It does not know who started them, nor what they learn. Every replica must make the same calls in
the same order, for each waits for all.
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

import torch
import torch.distributed
from torch import Tensor, nn

Shared = TypeVar("Shared")


class Replica(Protocol):
    """This process among all of them."""

    @property
    def rank(self) -> int:
        """From 0; replica 0 writes what is written once."""

    @property
    def size(self) -> int:
        """How many there are."""

    def average(self, values: Tensor) -> None:
        """Make `values` the mean over all replicas of what each gave."""

    def share(self, value: Shared) -> Shared:
        """What replica 0 gave, on every one."""


class Alone:
    """The only replica there is."""

    rank = 0
    size = 1

    def average(self, values: Tensor) -> None:
        """The mean of one is itself."""

    def share(self, value: Shared) -> Shared:
        return value


ALONE = Alone()


class TorchReplica:
    """One process of torch's default process group, which must be there already."""

    @property
    def rank(self) -> int:
        return torch.distributed.get_rank()

    @property
    def size(self) -> int:
        return torch.distributed.get_world_size()

    def average(self, values: Tensor) -> None:
        torch.distributed.all_reduce(values)
        values /= self.size

    def share(self, value: Shared) -> Shared:
        told = [value]
        torch.distributed.broadcast_object_list(told, src=0)
        return told[0]


def average_gradients(replica: Replica, parameters: Iterable[nn.Parameter]) -> None:
    """Give every replica the mean gradient, in one exchange.

    A parameter that took no part anywhere keeps no gradient, so that optimisers leave it alone.
    """
    if replica.size == 1:
        return
    learning = [each for each in parameters if each.requires_grad]
    grads = [torch.zeros_like(each) if each.grad is None else each.grad for each in learning]
    is_there = torch.tensor([float(each.grad is not None) for each in learning])
    flat = torch.cat([*(grad.reshape(-1) for grad in grads), is_there.to(grads[0].device)])
    replica.average(flat)
    sizes = [*(grad.numel() for grad in grads), len(learning)]
    *means, was_there = torch.split(flat, sizes)
    for each, mean, share in zip(learning, means, was_there.tolist(), strict=True):
        each.grad = mean.view_as(each) if share else None
