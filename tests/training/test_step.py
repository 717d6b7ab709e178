"""A step teaches what its settings ask for: a contracting recurrence, parts in their own time."""

from dataclasses import replace

import torch

from bodyswap.training.config import TrainingConfig
from bodyswap.training.dataset import draw_batch
from bodyswap.training.loop import generator_config
from bodyswap.training.step import LOSSES, Trainer
from tests.training.subject_film import STANCE, TINY, film


def _trained(config: TrainingConfig, steps: int, done: float) -> Trainer:
    footage = film(8)
    shape = generator_config(footage, STANCE, config.networks)
    trainer = Trainer(config, shape, None, torch.device("cpu"))
    for step in range(steps):
        trainer.train(draw_batch(footage, config, step), done)
    return trainer


def _apart(trainer: Trainer) -> float:
    """How much two renders of one pose differ that follow on different frames."""
    torch.manual_seed(0)
    batch = draw_batch(film(8), TINY, 5)
    pose = trainer._pose_map(batch, 1)[:1]
    previous = torch.rand(2, 3, *pose.shape[2:]) * 2 - 1
    with torch.no_grad():
        one, other = trainer.generator(pose.repeat(2, 1, 1, 1), previous).rgb_B3HW
    return float((one - other).abs().mean())


def test_agreement_makes_renders_forget_what_they_followed_on() -> None:
    keen = replace(TINY, sequence=4, learning_rate=3e-3)
    loose = replace(keen, losses=replace(TINY.losses, contraction=0.0, ping_pong=0.0))
    strict = replace(keen, losses=replace(TINY.losses, contraction=60.0, ping_pong=60.0))
    left_alone, taught = (_apart(_trained(config, 30, 0.0)) for config in (loose, strict))
    assert taught < 0.7 * left_alone


def test_every_loss_is_told_and_each_begins_with_its_phase() -> None:
    config = replace(TINY, half_size_until=0.2, adversarial_from=0.5, sequence=4)
    footage = film(8)
    shape = generator_config(footage, STANCE, config.networks)
    trainer = Trainer(config, shape, None, torch.device("cpu"))
    told = [trainer.train(draw_batch(footage, config, 5), done) for done in (0.1, 0.3, 0.9)]
    assert all(set(losses) == set(LOSSES) for losses in told)
    begun = [{name for name, loss in losses.items() if loss > 0} for losses in told]
    always = {"pixel", "matte", "contraction", "ping_pong"}
    assert begun[0] == always
    assert begun[1] == always | {"closeup"}
    assert begun[2] == set(LOSSES) - {"perceptual"}


def test_the_plain_baseline_has_no_matte_memory_or_time() -> None:
    plain = replace(
        TINY, sequence=1, twins=0, ping_pong=False,
        networks=replace(
            TINY.networks, memory_gain=0.0, matte=False, closeups=False, temporal_strides=()
        ),
    )  # fmt: skip
    trainer = _trained(plain, 2, 0.9)
    assert _apart(trainer) == 0
    losses = trainer.train(draw_batch(film(8), plain, 3), 0.9)
    assert {name for name, loss in losses.items() if loss > 0} == {
        "pixel", "adversarial", "matching", "discriminator",
    }  # fmt: skip
