"""A network that comes as an ONNX file. It does not know what the network computes."""

from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


class OnnxFile(Protocol):
    """One input, and the first of its outputs."""

    @property
    def path(self) -> Path: ...
    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """None where the file leaves a side free."""

    @property
    def input_type(self) -> str:
        """As ONNX Runtime names it, such as tensor(float)."""

    def __call__(self, given: Floats) -> Floats: ...


def open_onnx(path: Path) -> OnnxFile:
    """The file, ready to run on the processor.

    Raises:
        EngineError: ONNX Runtime is not installed, or cannot read it.
    """
    from bodyswap.engines.onnx_door import OnnxFileEngine

    return OnnxFileEngine(path)
