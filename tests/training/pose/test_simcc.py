import torch

from bodyswap.training.pose.head_start import draw_maps
from bodyswap.training.pose.samples import ABSENT, KNOWN, UNKNOWN
from bodyswap.training.pose.simcc import map_loss, pose_loss, read_places, splat

PLACE = torch.tensor([[[40.0, 70.0]]])
SIDE = torch.tensor([200.0])


def _said(x: float, y: float, height: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Distributions with one peak, at network pixel x, y."""
    bins_X, bins_Y = torch.arange(384.0), torch.arange(512.0)
    along_x = height * torch.exp(-0.5 * ((bins_X - 2 * x) / 4.9) ** 2)
    along_y = height * torch.exp(-0.5 * ((bins_Y - 2 * y) / 5.66) ** 2)
    return along_x[None, None], along_y[None, None]


def _total(x: float, y: float, height: float, state: int) -> float:
    said = _said(x, y, height)
    return float(pose_loss(*said, PLACE, torch.tensor([[state]]), SIDE).total)


def test_the_truth_costs_nothing_and_error_costs_more() -> None:
    assert _total(40, 70, 1.0, KNOWN) < 0.01
    assert _total(40, 70, 1.0, KNOWN) < _total(50, 70, 1.0, KNOWN) < _total(150, 200, 1.0, KNOWN)
    assert read_places(*_said(40, 70)).tolist() == PLACE.tolist()


def test_certainty_about_an_absent_joint_costs_and_silence_does_not() -> None:
    assert _total(10, 10, 1.0, ABSENT) > 1.0 and _total(10, 10, 0.0, ABSENT) == 0.0


def test_what_is_not_known_costs_nothing() -> None:
    assert _total(150, 200, 1.0, UNKNOWN) == 0.0


def test_a_joint_is_shared_out_over_the_cells_around_it() -> None:
    shares = splat(torch.tensor([[[1.25, 2.0]]]), 8, 6)[0, 0]
    assert shares[2, 1] == 0.75 and shares[2, 2] == 0.25 and shares.sum() == 1.0


def test_drawn_maps_point_at_their_joints_and_nowhere_for_absent_ones() -> None:
    cells = torch.rand(40, 17, 2) * torch.tensor([5.0, 7.0])
    states = torch.full((40, 17), KNOWN)
    states[:, 3] = ABSENT
    maps = draw_maps(cells, states, 8, 6, torch.Generator().manual_seed(1))
    loss = map_loss(maps, cells, states)
    blind = map_loss(torch.zeros_like(maps), cells, states)
    assert loss < 0.6 * blind
    spread = maps.flatten(2).amax(dim=2) - maps.flatten(2).mean(dim=2)
    assert spread[:, 3].mean() < 0.6 * spread[:, 4].mean()
