"""rtmlib on the project's own pose weights: exported to ONNX as its models are.

MMPose's network without the normalisation, which rtmlib does itself, and with SimCC outputs.
"""

import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bodyswap.frames import RGB
from bodyswap.keypoints.estimator import read_spec
from bodyswap.keypoints.openmmlab_import import import_aids
from bodyswap.keypoints.weights import find_weights
from bodyswap.skeleton import Floats
from peers.getting import get

with import_aids():
    import mmpose
    from mmpose.apis import init_model
    from safetensors.torch import load_file

SIZE = 192, 256


class RtmlibPose:
    """rtmlib's RTMPose, as its readme calls it, by as many threads as PyTorch has."""

    def __init__(self, model: str, folder: Path) -> None:
        """Raises MissingError where rtmlib or ONNX Runtime cannot be had."""
        rtmlib = get("rtmlib", "rtmlib")
        onnxruntime = get("onnxruntime", "onnxruntime")
        path = _export(model, folder / "pose.onnx")
        self._pose = rtmlib.RTMPose(str(path), model_input_size=SIZE, backend="onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        self._pose.session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, picture_HW3: RGB, box_4: Floats) -> Floats:
        """The joints of the one person in the box: (K, 2)."""
        # It normalises channels as they come, and the weights want red first.
        keypoints, _ = self._pose(picture_HW3, [box_4])
        return np.asarray(keypoints[0], np.float32)


class _Simcc(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs_B3HW: Tensor) -> tuple[Tensor, Tensor]:
        x_BKW, y_BKH = self.model.head(self.model.extract_feat(inputs_B3HW))
        return x_BKW, y_BKH


def _export(name: str, path: Path) -> Path:
    spec = read_spec(name)
    config = next((Path(mmpose.__file__).parent / ".mim").rglob(f"{spec.config}.py"))
    model = init_model(str(config), None, device="cpu")
    weights = find_weights(spec.weights, sha256=spec.sha256, folder=spec.folder)
    model.load_state_dict(load_file(weights), strict=False)
    example = torch.zeros(1, 3, SIZE[1], SIZE[0])
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Simcc(model.eval()), (example,), str(path), dynamo=False,
            input_names=["input"], output_names=["simcc_x", "simcc_y"],
            dynamic_axes={"input": {0: "batch"}},
        )  # fmt: skip
    return path
