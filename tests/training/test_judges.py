"""Judges are shown frames, frames some strides apart, and close-ups; each side learns its part."""

from dataclasses import replace

import torch

from bodyswap.nets.generator import GeneratorConfig
from bodyswap.training.judges import Judges, Shown
from bodyswap.training.loop import generator_config
from tests.training.subject_film import STANCE, TINY, film


def _shape() -> GeneratorConfig:
    return generator_config(film(2), STANCE, TINY.networks)


def _shown(seed: int = 0) -> Shown:
    torch.manual_seed(seed)
    pose = torch.rand(2, 18, 32, 32)
    return Shown(
        pose_BLHW=pose,
        real_B3HW=torch.rand(2, 3, 32, 32),
        rendered_B3HW=torch.rand(2, 3, 32, 32).requires_grad_(),
    )


def _closeups(shown: Shown) -> dict[str, list[Shown]]:
    (face,) = _shape().closeups
    seen = shown.closeup(face)
    assert seen is not None
    return {"face": [seen]}


def test_the_generator_is_taught_through_every_judge_and_the_judges_are_not() -> None:
    judges, now = Judges(_shape(), TINY), _shown()
    losses = judges.persuade(now, {1: _shown(1), 2: _shown(2)}, _closeups(now))
    assert set(losses) == {"adversarial", "matching", "temporal"}
    for name, loss in losses.items():
        (gradient,) = torch.autograd.grad(loss, now.rendered_B3HW, retain_graph=True)
        assert gradient.abs().sum() > 0, name
    assert all(weight.grad is None for weight in judges.parameters())


def test_the_judges_learn_and_the_generator_does_not() -> None:
    judges, now = Judges(_shape(), TINY), _shown()
    judges.learn(now, {1: _shown(1), 2: _shown(2)}, _closeups(now)).backward()
    for part in (judges.frame, judges.time["1"], judges.time["2"], judges.closeups["face"]):
        assert any(weight.grad.abs().sum() > 0 for weight in part.parameters())
    assert now.rendered_B3HW.grad is None


def test_without_a_past_nothing_is_said_about_time() -> None:
    now = _shown()
    assert "temporal" not in Judges(_shape(), TINY).persuade(now, {}, {})


def test_there_are_no_judges_of_time_where_no_stride_is_asked_for() -> None:
    config = replace(TINY, networks=replace(TINY.networks, temporal_strides=(), closeups=False))
    shape = generator_config(film(2), STANCE, config.networks)
    judges = Judges(shape, config)
    assert not judges.time and not judges.closeups


def test_only_pictures_that_show_the_part_are_judged_close_up() -> None:
    (face,) = _shape().closeups
    now = _shown()
    dark = replace(now, pose_BLHW=now.pose_BLHW * torch.tensor([1.0, 0.0]).view(2, 1, 1, 1))
    seen = dark.closeup(face)
    assert seen is not None and len(seen.real_B3HW) == 1
    assert replace(now, pose_BLHW=torch.zeros(2, 18, 32, 32)).closeup(face) is None
