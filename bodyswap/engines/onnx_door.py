"""The door to ONNX Runtime, and through it to TensorRT; only this file imports them."""

import io
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from bodyswap.engines.not_installed import not_installed
from bodyswap.errors import EngineError

try:
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as _native
except ImportError as error:
    raise not_installed("onnxruntime", extra="onnx") from error

_FAILURES = (
    _native.Fail, _native.InvalidArgument, _native.InvalidGraph, _native.InvalidProtobuf,
    _native.NoSuchFile, _native.NotImplemented, _native.EngineError, _native.RuntimeException,
)  # fmt: skip
"""All that ONNX Runtime raises over a file or an input; they have no class in common."""


class OnnxEngine:
    """A network exported to ONNX in memory and run by the first of `providers`.

    Tensors are handed over in main memory. Operators that the first provider lacks go to the next.
    """

    def __init__(
        self, network: nn.Module, examples: tuple[Tensor, ...], *, providers: Sequence[str]
    ) -> None:
        if providers[0] not in onnxruntime.get_available_providers():
            known = ", ".join(onnxruntime.get_available_providers())
            raise EngineError(
                f"this ONNX Runtime has no {providers[0]}, only {known}; install the build that "
                "has it, or set engine=auto"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            _exported(network, examples), options, providers=list(providers)
        )
        self._names = [given.name for given in self._session.get_inputs()]
        self._device = examples[0].device

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        arrays = [given.contiguous().cpu().numpy() for given in inputs]
        outputs = self._session.run(None, dict(zip(self._names, arrays, strict=True)))
        return tuple(torch.from_numpy(output).to(self._device) for output in outputs)


class OnnxFileEngine:
    """A file's network on the processor: everywhere the same answer, as far as its build is."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        self.path = path
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except _FAILURES as error:
            raise EngineError(f"ONNX Runtime cannot read it: {_reason(error)}") from error
        (given, *others) = self._session.get_inputs()
        if others:
            raise EngineError(f"it takes {len(others) + 1} inputs; one is given here")
        self._name = str(given.name)
        self.input_type = str(given.type)
        self.input_shape = tuple(
            side if isinstance(side, int) and side > 0 else None for side in given.shape
        )

    def __call__(self, given: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        try:
            answer = self._session.run(None, {self._name: given})[0]
        except _FAILURES as error:
            raise EngineError(f"'{self.path}' fails on its input: {_reason(error)}") from error
        return np.asarray(answer, np.float32)


def _reason(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _exported(network: nn.Module, examples: tuple[Tensor, ...]) -> bytes:
    names = [f"input{place}" for place in range(len(examples))]
    free = {name: {0: "batch"} for name, example in zip(names, examples, strict=True)
            if example.shape[0] != 1}  # fmt: skip
    buffer = io.BytesIO()
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # tracing tells what it takes for granted
            torch.onnx.export(
                network,
                examples,
                buffer,  # type: ignore[arg-type]  # torch's stubs know only paths
                input_names=names,
                dynamic_axes=free,
                dynamo=False,
            )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError, ImportError) as error:
        reason = str(error).strip().splitlines()[0]
        raise EngineError(f"this network cannot be exported to ONNX: {reason}") from error
    return buffer.getvalue()
