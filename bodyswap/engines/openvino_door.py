"""The door to OpenVINO: a network compiled for the processor; only this file imports it.

PyTorch's own graph is handed over in memory. OpenVINO's telemetry is shut out: importing the
package would otherwise report the use to a server of its vendor.
"""

import sys
import warnings

import numpy as np
import torch
from torch import Tensor, nn

from bodyswap.engines.not_installed import not_installed
from bodyswap.errors import EngineError

_TELEMETRY = "openvino_telemetry"
try:
    sys.modules.setdefault(_TELEMETRY, None)  # type: ignore[arg-type]  # None makes its import fail
    import openvino as ov
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
except ImportError as error:
    raise not_installed("openvino", extra="openvino") from error


class OpenVinoEngine:
    """A network on the processor, by as many threads as PyTorch has when it is built."""

    def __init__(self, network: nn.Module, examples: tuple[Tensor, ...], *, precision: str) -> None:
        if any(example.device.type != "cpu" for example in examples):
            raise EngineError("OpenVINO runs on the processor here; set device=cpu or engine=auto")
        model = _converted(network, examples)
        free_batch = {
            place: ov.PartialShape([-1, *example.shape[1:]])
            for place, example in enumerate(examples)
            if example.shape[0] != 1
        }
        model.reshape(
            {
                place: free_batch.get(place, ov.PartialShape(list(example.shape)))
                for place, example in enumerate(examples)
            }
        )
        compiled = ov.Core().compile_model(
            model,
            "CPU",
            {
                "INFERENCE_NUM_THREADS": torch.get_num_threads(),
                "INFERENCE_PRECISION_HINT": precision,
                "PERFORMANCE_HINT": "LATENCY",
            },
        )
        self._request = compiled.create_infer_request()
        self._places = range(len(compiled.outputs))

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        arrays = [given.contiguous().numpy() for given in inputs]
        self._request.infer(arrays, share_inputs=True)
        return tuple(
            torch.from_numpy(np.array(self._request.get_output_tensor(place).data))
            for place in self._places
        )


def _converted(network: nn.Module, examples: tuple[Tensor, ...]) -> "ov.Model":
    """The network's traced graph as OpenVINO's."""
    frontend = FrontEndManager().load_by_framework("pytorch")
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # tracing tells what it takes for granted
            decoder = TorchScriptPythonDecoder(network, example_input=examples)
            model = frontend.convert(frontend.load(decoder))
    except Exception as error:
        raise EngineError(f"OpenVINO cannot run this network: {error}") from error
    return model
