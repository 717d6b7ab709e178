"""Hard-sample mining: how often a sample is drawn grows with the error last made on it.

It does not know what samples show. The idea is prioritised replay's (Schaul et al., 2016): part of
the draws go by error, the rest stay even, so that nothing is forgotten.

Shape letters: N samples of one source.
"""

from typing import Self

import torch
from torch import Tensor

_KEPT = 0.5
"""Of the former error, when a sample is met again: each meeting is another augmentation."""


class Difficulty:
    """The errors last made on each sample of a source; unseen samples count as the hardest."""

    def __init__(self, count: int) -> None:
        self.state = torch.ones(count)

    @classmethod
    def of(cls, state_N: Tensor) -> Self:
        """As it was when `state` was read."""
        difficulty = cls(0)
        difficulty.state = state_N
        return difficulty

    def draw(self, place: float, *, mined: float) -> int:
        """The sample at `place` in [0, 1), of which the last `mined` share goes by error."""
        count = len(self.state)
        if place < 1 - mined:
            return int(place / (1 - mined) * count)
        reached_N = torch.cumsum(self.state + 1e-3, 0, dtype=torch.float64)
        sought = (place - (1 - mined)) / mined * float(reached_N[-1])
        return min(int(torch.searchsorted(reached_N, sought, right=True)), count - 1)

    def learn(self, index: int, error: float) -> None:
        """Note the error, in [0, 1], just made on a sample."""
        self.state[index] = _KEPT * self.state[index] + (1 - _KEPT) * error
