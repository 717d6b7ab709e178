"""Teaches some networks by a loss: gradients, their mean over all replicas, a step of Adam.

It does not know what the loss is.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from bodyswap.training.replica import Replica, average_gradients

_BETAS = (0.5, 0.99)


class Learner:
    """The optimiser of one side of the game. `scaler` takes fp16's part, see `precision`."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        rate: float,
        replica: Replica,
        scaler: torch.amp.GradScaler,
    ) -> None:
        self._parameters, self._rate, self._replica = list(parameters), rate, replica
        self._scaler = scaler
        self._adam = torch.optim.Adam(self._parameters, lr=rate, betas=_BETAS, fused=True)

    def set_rate(self, factor: float) -> None:
        """Learn at so much of the full rate from now on."""
        for group in self._adam.param_groups:
            group["lr"] = self._rate * factor

    def learn(self, loss: Tensor) -> None:
        """Make the loss smaller, of all replicas together."""
        self._adam.zero_grad(set_to_none=True)
        torch.autograd.backward(self._scaler.scale(loss))
        # Scaled by the same on every replica; where one overflows, the mean does, and all pass.
        average_gradients(self._replica, self._parameters)
        self._scaler.step(self._adam)
        self._scaler.update()

    def state(self) -> dict[str, Any]:
        """Everything the next `learn` depends on, but for the networks."""
        return {"adam": self._adam.state_dict(), "scaler": self._scaler.state_dict()}

    def restore(self, stored: dict[str, Any]) -> None:
        """Go on from what `state` gave, maybe on a device of another precision."""
        self._adam.load_state_dict(stored["adam"])
        if stored["scaler"]:
            self._scaler.load_state_dict(stored["scaler"])
