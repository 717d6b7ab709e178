import os

import pytest
import torch

import cluster  # noqa: F401 - how Ray is guarded is said before any test imports it
from bodyswap.environment import gpu_is_required
from tests.rights.tiny_papers import write_rights


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests marked gpu skip where there is none, and fail there if one was promised."""
    if item.get_closest_marker("gpu") is None or torch.cuda.is_available():
        return
    if gpu_is_required():
        pytest.fail("BODYSWAP_REQUIRE_GPU=1, but torch sees no GPU")
    pytest.skip("needs a GPU")


@pytest.fixture(autouse=True, scope="session")
def _whom_to_trust(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The operator of the tests trusts the tests' own issuer, in every process they start."""
    path = tmp_path_factory.mktemp("rights") / "rights.yaml"
    os.environ["BODYSWAP_RIGHTS"] = str(write_rights(path))
