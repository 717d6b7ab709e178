"""What runs a network's forward pass, by name.

It does not know what the network computes, nor whether the answer may be used: `proof` does.
"""

from collections.abc import Callable
from typing import Protocol, TypeAlias

import torch
from torch import Tensor, nn

from bodyswap.config import EngineName
from bodyswap.engines.eager import CompiledEngine, EagerEngine

Examples: TypeAlias = tuple[Tensor, ...]


class Engine(Protocol):
    """Runs one network: tensors in, tensors out, all on the device it was built for."""

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]: ...


def build_engine(name: EngineName, network: nn.Module, examples: Examples) -> Engine:
    """`network`, which returns a tuple of tensors, made ready for inputs like `examples`.

    Only the first dimension of an input, the batch, may differ from the examples'. `auto` is none
    to build: `chosen_engine` says which it is.

    Raises:
        EngineError: what the engine needs is not installed, or it cannot run this network.
    """
    return _BUILDERS[name](network, examples)


def chosen_engine(name: EngineName, device: torch.device) -> EngineName:
    """What `auto` is on such a device; any other name is itself.

    From what `bench/engines.py` measured, not from what is fast here and now: all workers of one
    kind must make the same pictures.
    """
    return _FASTEST[device.type] if name is EngineName.AUTO else name


def _openvino(network: nn.Module, examples: Examples, *, precision: str) -> Engine:
    from bodyswap.engines.openvino_door import OpenVinoEngine

    return OpenVinoEngine(network, examples, precision=precision)


def _onnx(network: nn.Module, examples: Examples, *, providers: tuple[str, ...]) -> Engine:
    from bodyswap.engines.onnx_door import OnnxEngine

    return OnnxEngine(network, examples, providers=providers)


_BUILDERS: dict[EngineName, Callable[[nn.Module, Examples], Engine]] = {
    EngineName.EAGER: lambda network, _: EagerEngine(network),
    EngineName.BF16: lambda network, _: EagerEngine(network, autocast=torch.bfloat16),
    EngineName.FP16: lambda network, _: EagerEngine(network, autocast=torch.float16),
    EngineName.COMPILED: lambda network, _: CompiledEngine(network),
    EngineName.COMPILED_BF16: lambda network, _: CompiledEngine(network, autocast=torch.bfloat16),
    EngineName.OPENVINO: lambda *given: _openvino(*given, precision="f32"),
    EngineName.OPENVINO_BF16: lambda *given: _openvino(*given, precision="bf16"),
    EngineName.ONNX: lambda *given: _onnx(*given, providers=("CPUExecutionProvider",)),
    EngineName.TENSORRT: lambda *given: _onnx(
        *given, providers=("TensorrtExecutionProvider", "CUDAExecutionProvider")
    ),
}
_FASTEST = {"cpu": EngineName.OPENVINO, "cuda": EngineName.EAGER}
"""Half precision is faster, but its rounding never dies out: two runs that began differently stay
two or three levels apart, where in full precision they become equal, which repairs of joins wait
for. No engine has been measured on CUDA yet, so the plain one is taken there."""
