"""The previous frame's say is bounded, whatever the weights have become."""

import pytest
import torch

from bodyswap.nets.memory import PreviousFrame


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_features_differ_by_at_most_the_gain_times_what_the_frames_differ_by(size: float) -> None:
    torch.manual_seed(0)
    memory = PreviousFrame(6, 3, largest_gain=0.5)
    with torch.no_grad():
        memory.kernel_C3HW.mul_(size)
        memory.share.normal_(0, 3)
    one, other = torch.rand(2, 1, 3, 16, 16).mul(2).sub(1)
    apart = (memory(one) - memory(other)).abs().max()
    assert 0 < apart <= memory.gain * (one - other).abs().max() + 1e-6
    assert memory.gain <= 0.5


def test_the_bound_is_reached_by_the_worst_pair_of_frames() -> None:
    memory = PreviousFrame(1, 3, largest_gain=0.5)
    worst = memory.kernel_C3HW.detach().sign()
    frame = worst[0][None].repeat(1, 1, 3, 3)
    assert float(memory(frame)[0, 0, 4, 4].detach()) == pytest.approx(memory.gain, rel=1e-4)


def test_no_previous_frame_has_no_features() -> None:
    assert PreviousFrame(4, 3, largest_gain=0.5)(torch.zeros(1, 3, 8, 8)).abs().max() == 0
