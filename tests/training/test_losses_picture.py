"""The picture of the losses shows every loss that counted, falling where it falls."""

import numpy as np

from bodyswap.quality import sheet
from bodyswap.training.losses_picture import draw_losses


def _record(rows: int) -> str:
    begun = rows // 2
    lines = [f"{step},{10 / step:.6g},0,{3 * (step >= begun)}" for step in range(1, rows + 1)]
    return "\r\n".join(["step,pixel,perceptual,adversarial", *lines])


def _line_y(picture: np.ndarray, x: int) -> list[int]:
    """Where the bright line passes a column."""
    near = np.abs(picture[:, x].astype(int) - np.array(sheet.colour_of(2))).sum(axis=1) < 60
    return np.flatnonzero(near).tolist()


def test_a_loss_that_falls_is_drawn_falling_and_one_never_counted_not_at_all() -> None:
    picture = draw_losses(_record(400))
    two, three = draw_losses("step,a,b\n1,1,1\n"), draw_losses("step,a,b,c\n1,1,1,1\n")
    assert picture.shape == two.shape and three.shape[0] > two.shape[0]
    early, late = _line_y(picture, 230), _line_y(picture, sheet.WIDTH_PX - 150)
    assert min(late) > min(early) + 20, "it does not fall"


def test_a_loss_begins_where_it_was_first_counted() -> None:
    picture = draw_losses(_record(400))
    foot = picture.shape[0] // 2
    assert not [y for y in _line_y(picture, 300) if y > foot + 10]
    assert [y for y in _line_y(picture, sheet.WIDTH_PX - 150) if y > foot - 10]


def test_a_record_without_steps_is_a_picture_too() -> None:
    assert draw_losses("step,pixel\r\n").ndim == 3
