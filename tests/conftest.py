import pytest
import torch

from bodyswap.config import gpu_is_required


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests marked gpu skip where there is none, and fail there if one was promised."""
    if item.get_closest_marker("gpu") is None or torch.cuda.is_available():
        return
    if gpu_is_required():
        pytest.fail("BODYSWAP_REQUIRE_GPU=1, but torch sees no GPU")
    pytest.skip("needs a GPU")
