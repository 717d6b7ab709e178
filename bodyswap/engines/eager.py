"""PyTorch itself: as it is, in half precision, or compiled."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from bodyswap.errors import EngineError


class EagerEngine:
    """The network called as it stands; with `autocast`, its convolutions in that type."""

    def __init__(
        self, network: Callable[..., tuple[Tensor, ...]], *, autocast: torch.dtype | None = None
    ) -> None:
        self._network, self._autocast = network, autocast

    @torch.inference_mode()
    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        kind = inputs[0].device.type
        with torch.autocast(kind, self._autocast, enabled=self._autocast is not None):
            outputs = self._network(*inputs)
        return tuple(output.float() for output in outputs)


class CompiledEngine:
    """The network through torch.compile; on CUDA as one graph, replayed.

    The first call compiles, which takes tens of seconds and needs a C++ compiler.
    """

    def __init__(self, network: nn.Module, *, autocast: torch.dtype | None = None) -> None:
        on_cuda = next(network.parameters()).is_cuda
        with _without_warnings():
            compiled = torch.compile(network, mode="reduce-overhead" if on_cuda else "default")
        self._eager = EagerEngine(compiled, autocast=autocast)

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        try:
            with _without_warnings():
                outputs = self._eager(*inputs)
        except (RuntimeError, torch._dynamo.exc.TorchDynamoException) as error:
            reason = str(error).strip().splitlines()[0]
            raise EngineError(f"torch.compile cannot run this network: {reason}") from error
        # What a replayed graph returns is overwritten by its next replay.
        return tuple(output.clone() for output in outputs)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """The compiler warns of its own parts that are to be replaced."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
