"""With how many bits a training multiplies.

It does not know what is trained. Weights, sums and optimisers stay at 32 bits in any case.
"""

from contextlib import AbstractContextManager

import torch

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


class Precision:
    """One of `config.PRECISIONS` on one device: "auto" is what that device gains by.

    That is bf16 where it is computed in hardware, else fp16 on a GPU, and fp32 on a CPU.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        self._device = device
        self.dtype = _gainful(device) if name == "auto" else _DTYPES[name]

    def __call__(self) -> AbstractContextManager[None]:
        """A context in which networks are run so."""
        return torch.autocast(
            self._device.type, self.dtype, enabled=self.dtype is not torch.float32
        )

    def scaler(self) -> torch.amp.GradScaler:
        """Keeps fp16's small gradients from vanishing; of no effect where bits suffice."""
        return torch.amp.GradScaler(self._device.type, enabled=self.dtype is torch.float16)


def _gainful(device: torch.device) -> torch.dtype:
    if device.type == "cuda":
        with torch.cuda.device(device):
            has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if has_bf16 else torch.float16
    if device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return torch.bfloat16
    return torch.float32
