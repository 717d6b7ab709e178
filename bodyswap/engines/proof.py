"""An engine is used only where its answers are PyTorch's own, as near as is asked of it.

It does not know what the answers mean: tolerances are in the outputs' own units.
"""

import logging
from dataclasses import dataclass

from torch import Tensor, nn

from bodyswap.config import EngineName
from bodyswap.engines.eager import EagerEngine
from bodyswap.engines.engine import Engine
from bodyswap.errors import EngineError

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How far an answer may be from PyTorch's: on the average, and 99.9 % of it."""

    mean: float
    most: float

    def __str__(self) -> str:
        return f"{self.mean:g} on the average and {self.most:g} at the 99.9th percentile"


def difference(answer: tuple[Tensor, ...], truth: tuple[Tensor, ...]) -> Tolerance:
    """The largest over the outputs of what `Tolerance` bounds."""
    apart = [(ours.float() - theirs.float()).abs().flatten() for ours, theirs in
             zip(answer, truth, strict=True)]  # fmt: skip
    place = [max(1, round(0.999 * each.numel())) for each in apart]
    return Tolerance(
        mean=max(float(each.mean()) for each in apart),
        most=max(float(each.kthvalue(k).values) for each, k in zip(apart, place, strict=True)),
    )


class ProvenEngine:
    """`engine` for `network`, checked against PyTorch on the first `checks` real inputs it gets.

    Raises EngineError at a call whose answer is too far off.
    """

    def __init__(
        self,
        name: EngineName,
        engine: Engine,
        network: nn.Module,
        tolerance: Tolerance,
        *,
        checks: int = 2,
    ) -> None:
        self._name, self._engine, self._tolerance = name, engine, tolerance
        self._truth: EagerEngine | None = EagerEngine(network)
        self._checks_left = checks

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        answer = self._engine(*inputs)
        if self._truth is not None:
            self._check(answer, self._truth(*inputs))
            self._checks_left -= 1
            if not self._checks_left:
                self._truth = None
        return answer

    def _check(self, answer: tuple[Tensor, ...], truth: tuple[Tensor, ...]) -> None:
        off = difference(answer, truth)
        if not (off.mean <= self._tolerance.mean and off.most <= self._tolerance.most):
            raise EngineError(
                f"engine {self._name} is {off} from what PyTorch computes here, but at most "
                f"{self._tolerance} is allowed; set engine=eager"
            )
        _LOG.debug("engine %s is %s from PyTorch's own answer", self._name, off)
