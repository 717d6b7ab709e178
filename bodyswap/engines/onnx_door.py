"""The door to ONNX Runtime, and through it to TensorRT; only this file imports them."""

import io
import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bodyswap.engines.not_installed import not_installed
from bodyswap.errors import EngineError

try:
    import onnxruntime
except ImportError as error:
    raise not_installed("onnxruntime", extra="onnx") from error


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
