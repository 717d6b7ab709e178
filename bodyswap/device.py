"""Which device the networks run on.

It does not know what runs there.
"""

import torch

from bodyswap.errors import UsageError


def choose_device(name: str) -> torch.device:
    """The device called `name`; "auto" takes the first GPU, or the CPU where there is none.

    Raises:
        UsageError: there is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"device '{name}' is not to be had here; use auto, cpu or cuda") from error
    return device
