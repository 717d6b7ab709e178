"""Rollouts begin from the frame before, twins from another, and go on from what was rendered."""

from dataclasses import replace

import pytest
import torch

from bodyswap.training.config import Disturbance, TrainingConfig
from bodyswap.training.history import as_stored, first_previous, next_previous

CALM = Disturbance(previous_zeroed=0.0, previous_noise=0.0)


def _chances(count: int, seed: int = 0) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(100 * seed + row) for row in range(count)]


def test_twins_begin_from_nothing_noise_or_elsewhere_and_the_others_from_the_frame_before() -> None:
    frames = torch.rand(3, 3, 8, 8)
    real = torch.cat([frames, frames[:1]])
    far = real.flip(0)
    starts = [first_previous(real, far, 1, CALM, _chances(4, seed)) for seed in range(12)]
    for start in starts:
        assert torch.equal(start[:3], frames)
        assert not torch.allclose(start[3], frames[0])
    assert any(not start[3].any() for start in starts)
    assert any(torch.equal(start[3], far[3].flip(2)) for start in starts)
    assert any(start[3].min() < -0.5 for start in starts)


def test_a_rollout_goes_on_from_whole_grey_levels() -> None:
    rendered = torch.rand(2, 3, 4, 4) * 2 - 1
    levels = (next_previous(rendered, CALM, _chances(2)) + 1) * 127.5
    assert torch.allclose(levels, levels.round(), atol=1e-4)
    assert (as_stored(rendered) - rendered).abs().max() <= 0.5 / 127.5 + 1e-6


def test_clouding_loses_some_previous_frames_whole_and_noises_the_rest() -> None:
    rough = Disturbance(previous_zeroed=0.5, previous_noise=0.2)
    frame = torch.full((64, 3, 4, 4), 0.5)
    clouded = first_previous(frame, frame, 0, rough, _chances(64))
    gone = clouded.abs().amax(dim=(1, 2, 3)) == 0
    assert 0.3 < gone.float().mean() < 0.7
    assert (clouded[~gone] - 0.5).abs().amax(dim=(1, 2, 3)).gt(0).all()


@pytest.mark.parametrize(
    ("sequence", "ping_pong", "order"),
    [
        (4, False, (1, 2, 3, 4)),
        (1, True, (1,)),
        (2, True, (1, 2)),
        (4, True, (1, 2, 3, 2)),
        (8, True, (1, 2, 3, 4, 5, 4, 3, 2)),
    ],
)
def test_a_rollout_plays_there_and_back(
    sequence: int, ping_pong: bool, order: tuple[int, ...]
) -> None:
    config = replace(TrainingConfig(), sequence=sequence, ping_pong=ping_pong)
    assert config.play_order == order
