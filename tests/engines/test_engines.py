import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn

from bodyswap.config import EngineName, RenderSettings
from bodyswap.engines.engine import build_engine, chosen_engine
from bodyswap.engines.proof import ProvenEngine, Tolerance, difference
from bodyswap.errors import EngineError, UsageError

CPU = torch.device("cpu")
FULL = (EngineName.EAGER, EngineName.COMPILED, EngineName.OPENVINO, EngineName.ONNX)
HALF = (EngineName.BF16, EngineName.OPENVINO_BF16)


class Blurred(nn.Module):
    """Two outputs of two inputs, by the operators that the project's networks are made of."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.convolution = nn.Conv2d(4, 8, 3, padding=1)
        self.norm = nn.InstanceNorm2d(8, affine=True)
        self.requires_grad_(False)

    def forward(self, first_BCHW: Tensor, second_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        seen = self.norm(self.convolution(torch.cat([first_BCHW, second_BCHW], dim=1)))
        return torch.tanh(seen[:, :3]), torch.sigmoid(seen[:, 3:4])


def _inputs(batch: int, seed: int = 2) -> tuple[Tensor, Tensor]:
    source = torch.Generator().manual_seed(seed)
    return (
        torch.randn(batch, 1, 16, 24, generator=source),
        torch.randn(batch, 3, 16, 24, generator=source),
    )


@pytest.mark.parametrize("name", [*FULL, *HALF])
def test_every_engine_says_what_pytorch_says(name: EngineName) -> None:
    network = Blurred()
    engine = build_engine(name, network, _inputs(1))
    off = difference(engine(*_inputs(1, seed=3)), network(*_inputs(1, seed=3)))
    assert off.most <= (1e-4 if name in FULL else 0.05)


@pytest.mark.parametrize("name", [EngineName.OPENVINO, EngineName.ONNX])
def test_a_batch_of_another_size_is_taken_where_the_examples_were_a_batch(name: EngineName) -> None:
    network = Blurred()
    engine = build_engine(name, network, _inputs(2))
    for batch in (1, 5):
        answer = engine(*_inputs(batch))
        assert answer[0].shape == (batch, 3, 16, 24)
        assert difference(answer, network(*_inputs(batch))).most <= 1e-4


def test_an_answer_is_its_own_and_not_overwritten_by_the_next() -> None:
    engine = build_engine(EngineName.OPENVINO, Blurred(), _inputs(1))
    first = engine(*_inputs(1, seed=3))[0]
    kept = first.clone()
    engine(*_inputs(1, seed=4))
    assert torch.equal(first, kept)


def test_an_engine_that_answers_otherwise_is_refused_and_told_of() -> None:
    network, other = Blurred(), Blurred()
    other.norm.weight.mul_(1.5)
    engine = build_engine(EngineName.OPENVINO, other, _inputs(1))
    proven = ProvenEngine(EngineName.OPENVINO, engine, network, Tolerance(mean=0.001, most=0.01))
    with pytest.raises(EngineError, match=r"openvino is .* set engine=eager"):
        proven(*_inputs(1))


def test_a_proven_engine_is_no_longer_checked() -> None:
    network = Blurred()
    proven = ProvenEngine(
        EngineName.EAGER, build_engine(EngineName.EAGER, network, _inputs(1)), network,
        Tolerance(mean=0, most=0), checks=1,
    )  # fmt: skip
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    network.register_forward_hook(count)
    for _ in range(3):
        proven(*_inputs(1))
    assert calls == 1 + 3


def test_what_is_not_installed_says_what_to_do() -> None:
    with pytest.raises(EngineError, match=r"TensorrtExecutionProvider.*engine=auto"):
        build_engine(EngineName.TENSORRT, Blurred(), _inputs(1))


def test_a_network_that_cannot_be_taken_over_is_an_error_that_says_so() -> None:
    class Talks(Blurred):
        def forward(self, first_BCHW: Tensor, second_BCHW: Tensor) -> tuple[Tensor, Tensor]:
            raise RuntimeError("not for tracing")

    for name in (EngineName.OPENVINO, EngineName.ONNX):
        with pytest.raises(EngineError, match="not for tracing"):
            build_engine(name, Talks(), _inputs(1))


def test_auto_is_the_same_everywhere_on_one_kind_of_device() -> None:
    assert chosen_engine(EngineName.AUTO, CPU) is EngineName.OPENVINO
    assert chosen_engine(EngineName.AUTO, torch.device("cuda")) is EngineName.EAGER
    assert chosen_engine(EngineName.ONNX, CPU) is EngineName.ONNX


def test_an_unknown_engine_is_refused_with_the_known_ones() -> None:
    for override in ("engine=warp", "pose.engine=warp"):
        with pytest.raises(UsageError, match=r"engine 'warp' is unknown.*openvino"):
            RenderSettings().with_overrides([override])


def test_using_openvino_tells_its_vendor_nothing() -> None:
    seen = "print(sys.modules['openvino_telemetry'])"
    program = f"import sys; import bodyswap.engines.openvino_door; {seen}"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert loaded.strip() == "None"
