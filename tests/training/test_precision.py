"""Trainings multiply with as many bits as told, and learn with any."""

from dataclasses import replace

import pytest
import torch

from bodyswap.errors import UsageError
from bodyswap.training.config import TrainingConfig
from bodyswap.training.dataset import draw_batch
from bodyswap.training.learner import Learner
from bodyswap.training.loop import generator_config
from bodyswap.training.precision import Precision
from bodyswap.training.replica import ALONE
from bodyswap.training.step import Trainer
from tests.training.subject_film import STANCE, TINY, film

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("bf16", torch.bfloat16), ("fp16", torch.float16), ("fp32", torch.float32)],
)
def test_networks_run_with_the_bits_asked_for(name: str, dtype: torch.dtype) -> None:
    layer = torch.nn.Conv2d(1, 1, 1)
    with Precision(name, CPU)():
        assert layer(torch.rand(1, 1, 2, 2)).dtype is dtype


def test_auto_is_never_fp16_on_a_cpu_and_an_unknown_one_is_refused() -> None:
    assert Precision("auto", CPU).dtype in (torch.bfloat16, torch.float32)
    with pytest.raises(UsageError, match="choose auto, bf16, fp16, fp32"):
        TrainingConfig(precision="fp8")


@pytest.mark.parametrize("name", ["bf16", "fp16"])
def test_a_step_of_few_bits_learns_nearly_what_one_of_many_does(name: str) -> None:
    losses = {}
    for precision in (name, "fp32"):
        config, footage = replace(TINY, precision=precision), film(8)
        shape = generator_config(footage, STANCE, config.networks)
        trainer = Trainer(config, shape, None, CPU)
        losses[precision] = [
            trainer.train(draw_batch(footage, config, step), 0.9)["pixel"] for step in range(3)
        ]
    assert losses[name] == pytest.approx(losses["fp32"], rel=0.1)


def test_a_gradient_too_small_for_fp16_is_still_learnt_from() -> None:
    weight = torch.nn.Parameter(torch.ones(1))
    learner = Learner([weight], 0.1, ALONE, Precision("fp16", CPU).scaler())
    tiny = (weight.half() * torch.tensor(1e-4).half()) * torch.tensor(1e-4).half()
    learner.learn(tiny.float().sum() / 16)
    assert weight.item() < 1.0


def test_an_overflow_changes_no_weight_and_the_scale_is_kept_with_the_state() -> None:
    weight = torch.nn.Parameter(torch.ones(1))
    learner = Learner([weight], 0.1, ALONE, Precision("fp16", CPU).scaler())
    learner.learn((weight * float("inf")).sum())
    assert weight.item() == 1.0
    again = Learner([weight], 0.1, ALONE, Precision("fp16", CPU).scaler())
    again.restore(learner.state())
    assert again.state()["scaler"]["scale"] == learner.state()["scaler"]["scale"] == 32768.0


@pytest.mark.gpu
def test_a_gpu_learns_what_the_cpu_does_with_the_fewer_bits_it_gains_by() -> None:
    losses = {}
    for device, precision in ((torch.device("cuda"), "auto"), (CPU, "fp32")):
        config, footage = replace(TINY, precision=precision), film(8)
        shape = generator_config(footage, STANCE, config.networks)
        trainer = Trainer(config, shape, None, device)
        batches = [draw_batch(footage, config, step, device=device) for step in range(3)]
        assert batches[0].real_BT3HW.device.type == device.type
        losses[precision] = [trainer.train(batch, 0.9)["pixel"] for batch in batches]
    assert Precision("auto", torch.device("cuda")).dtype is not torch.float32
    assert losses["auto"] == pytest.approx(losses["fp32"], rel=0.1)
