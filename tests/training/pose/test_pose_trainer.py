from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from bodyswap.keypoints.mmpose_door import build_model
from bodyswap.training.pose.augment import Augmentation
from bodyswap.training.pose.backgrounds import made_pictures, stack_pictures
from bodyswap.training.pose.config import PoseTrainingConfig
from bodyswap.training.pose.loop import PoseTrainer, Progress, Source, learning_rate
from bodyswap.training.pose.samples import Samples
from bodyswap.training.pose.staged import Variety, stage_samples

STILL = Augmentation(
    rotation_degrees=0.0, any_rotation_share=0.0, scale_octaves=0.0, shift=0.0, loose_share=0.0,
    elsewhere_share=0.0, recolour_share=0.0, grey_share=0.0, blur_share=0.0, motion_share=0.0,
    noise_share=0.0, occluder_share=0.0, neighbour_share=0.0,
)  # fmt: skip


@cache
def _people() -> Samples:
    return Samples.joined(list(stage_samples(3, 5, ("walk",), Variety())))


def _config(**changes: object) -> PoseTrainingConfig:
    here = Path()
    values = {"coarse_steps": 4, "fine_steps": 1, "batch": 4, "warm_up_steps": 1} | changes
    return PoseTrainingConfig(clips=(), teachers=here, cache=here, out=here, **values)


def _trainer(config: PoseTrainingConfig) -> PoseTrainer:
    torch.manual_seed(config.seed)
    pictures = stack_pictures(made_pictures(6, np.random.default_rng(0)))
    model = build_model(config.model, device="cpu")
    return PoseTrainer(model, [Source(samples=_people(), share=1.0)], pictures, config)


def _run(trainer: PoseTrainer, until: int) -> list[Progress]:
    steps: list[Progress] = []
    trainer.run(until, steps.append)
    return steps


def test_training_learns_a_tiny_set() -> None:
    config = _config(coarse_steps=16, fine_steps=0, augmentation=STILL, empty_share=0.0)
    steps = _run(_trainer(config), 16)
    first, last = (np.mean([one.place for one in part]) for part in (steps[:4], steps[-4:]))
    assert last < 0.95 * first


def test_a_resumed_run_equals_one_that_never_stopped(tmp_path: Path) -> None:
    config = _config(mined_share=1.0)
    whole = _trainer(config)
    _run(whole, 5)
    begun = _trainer(config)
    _run(begun, 2)
    begun.save(tmp_path / "state.pt")
    resumed = _trainer(config)
    resumed.resume(tmp_path / "state.pt")
    _run(resumed, 5)
    for name, value in whole.averaged().items():
        torch.testing.assert_close(resumed.averaged()[name], value, rtol=0, atol=0, msg=name)


def test_the_samples_a_step_found_hard_are_drawn_by_the_next(tmp_path: Path) -> None:
    config = _config(coarse_steps=2, fine_steps=0, mined_share=1.0)
    trainer = _trainer(config)
    _run(trainer, 1)
    trainer.save(tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    assert any((one != 1).any() for one in state["difficulty"])  # all begin at 1
    state["difficulty"] = [torch.zeros(3).index_fill_(0, torch.tensor(2), 1.0)]
    torch.save(state, tmp_path / "state.pt")
    changed = _trainer(config)
    changed.resume(tmp_path / "state.pt")
    _run(changed, 2)
    difficulty = _difficulty(changed, tmp_path)
    assert difficulty[:2].tolist() == [0.0, 0.0] and 0 < difficulty[2] < 1


def test_training_on_from_given_weights_keeps_them(tmp_path: Path) -> None:
    config = _config(start=tmp_path / "weights.safetensors")
    torch.manual_seed(9)
    model = build_model(config.model, device="cpu")
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    pictures = stack_pictures(made_pictures(6, np.random.default_rng(0)))
    trainer = PoseTrainer(model, [Source(samples=_people(), share=1.0)], pictures, config)
    for name, value in before.items():
        torch.testing.assert_close(trainer.averaged()[name], value, rtol=0, atol=0, msg=name)


def _difficulty(trainer: PoseTrainer, folder: Path) -> torch.Tensor:
    trainer.save(folder / "now.pt")
    difficulty = torch.load(folder / "now.pt", weights_only=True)["difficulty"][0]
    assert isinstance(difficulty, torch.Tensor)
    return difficulty


def test_the_rate_rises_then_falls_to_almost_nothing() -> None:
    config = _config(coarse_steps=80, fine_steps=20, warm_up_steps=10)
    rates = [learning_rate(step, config) for step in range(100)]
    assert max(rates) == pytest.approx(config.peak_rate)
    assert rates.index(max(rates)) in (9, 10) and rates[-1] < 0.03 * config.peak_rate
