"""Weights of OpenMMLab's networks: files are opened safely, and what does not fit is told by name.

It does not know which network it is.
"""

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from bodyswap.errors import ModelError
from bodyswap.keypoints.openmmlab_import import import_aids

with import_aids():
    from mmengine.logging.history_buffer import HistoryBuffer

_NAMES_SHOWN = 6


def fill_network(network: nn.Module, path: Path, config: str) -> None:
    """Fill `network` from a .safetensors file or an mmengine checkpoint.

    Raises:
        ModelError: the file cannot be read safely, or its tensors do not fit the config.
    """
    state = _read_checkpoint(path)
    wanted = network.state_dict()
    problems = _misfits(state, wanted)
    if problems:
        raise ModelError(
            f"checkpoint {path.name} does not fit config {config}: {'; '.join(problems)}; "
            "use the checkpoint trained with this config, or the config it was trained with"
        )
    network.load_state_dict({name: state[name] for name in wanted if name in state}, strict=False)
    network.eval()


def _read_checkpoint(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ModelError(f"pose weights {path} are not there")
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        with torch.serialization.safe_globals(_harmless_globals()):
            content: object = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"pose weights {path} cannot be opened safely: {reason}") from error
    return _state_of(content, path)


def _state_of(content: object, path: Path) -> dict[str, Tensor]:
    if isinstance(content, Mapping):
        content = content.get("state_dict", content)
    if not isinstance(content, Mapping):
        raise ModelError(f"pose weights {path} hold no state_dict")
    return {
        str(name).removeprefix("module."): value
        for name, value in content.items()
        if isinstance(value, Tensor)
    }


def _harmless_globals() -> list[Callable[..., object] | tuple[Callable[..., object], str]]:
    """What mmengine puts beside the weights: arrays of statistics, no code that acts."""
    reconstruct = np.zeros(0).__reduce__()[0]
    scalar = np.float64(0).__reduce__()[0]
    kinds = [type(np.dtype(name)) for name in ("float32", "float64", "int32", "int64", "bool")]
    return [HistoryBuffer, reconstruct, scalar, np.ndarray, np.dtype, *kinds]


def _misfits(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> list[str]:
    """What is wrong between a checkpoint's tensors and a network's, in words."""
    counters = {name for name in wanted if name.endswith("num_batches_tracked")}
    own_buffers = {name for name in wanted if name.startswith("data_preprocessor.")}
    missing = sorted(set(wanted) - set(state) - counters - own_buffers)
    unexpected = sorted(set(state) - set(wanted))
    reshaped = [
        f"{name} is {tuple(state[name].shape)} where the config wants {tuple(wanted[name].shape)}"
        for name in sorted(set(state) & set(wanted))
        if state[name].shape != wanted[name].shape
    ]
    problems = (("missing", missing), ("unexpected", unexpected), ("wrong shape", reshaped))
    return [f"{what}: {_shown(names)}" for what, names in problems if names]


def _shown(names: list[str]) -> str:
    rest = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
