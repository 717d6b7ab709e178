import math

import numpy as np

from bodyswap.frames import RGB
from bodyswap.quality.metrics import FrameQuality, QualityReport
from bodyswap.quality.scores_picture import draw_scores
from bodyswap.quality.sheet import FAINT_INK, WIDTH_PX, colour_of
from bodyswap.timing import FrameRange

FRAMES = FrameRange(start=10, stop=30)


def _report(ssim: list[float], **scores: float | None) -> QualityReport:
    return QualityReport(
        frames=tuple(FrameQuality(psnr_db=math.inf, ssim=value, **scores) for value in ssim)
    )


def _where(picture_HW3: RGB, colour: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    return np.nonzero((picture_HW3 == np.array(colour)).all(axis=2))


def test_the_dot_stands_at_the_worst_frame_and_low() -> None:
    ssim = [0.9] * 20
    ssim[15] = 0.5
    picture = draw_scores(_report(ssim), FRAMES)
    y, x = _where(picture, colour_of(0))
    assert abs(x.mean() - (250 + 15.5 * (WIDTH_PX - 340) / 20)) < 2
    ordinary = picture[:, 300:400].astype(int)
    line_y = np.nonzero((ordinary[..., 1] - ordinary[..., 0] > 40).any(axis=1))[0]
    assert len(line_y) and y.mean() > line_y.mean() + 60


def test_only_what_was_measured_has_a_graph() -> None:
    few, more = _report([0.9] * 20), _report([0.9] * 20, lpips=0.1, flicker=0.2)
    heights = [draw_scores(report, FRAMES).shape for report in (few, more)]
    assert heights[0][1] == heights[1][1] == WIDTH_PX
    assert heights[1][0] - heights[0][0] == 2 * 106


def test_a_join_is_ruled_through_every_graph() -> None:
    report = _report([0.9] * 20, lpips=0.1)
    plain, ruled = (draw_scores(report, FRAMES, joins) for joins in ((), (25,)))
    column = (ruled == np.array(FAINT_INK)).all(axis=2).sum(axis=0)
    x = int(column.argmax())
    assert column[x] >= 2 * 80
    assert (plain[:, x] == np.array(FAINT_INK)).all(axis=1).sum() < 80
    assert abs(x - (250 + 15.5 * (WIDTH_PX - 340) / 20)) <= 1


def test_a_shot_of_one_frame_can_be_drawn() -> None:
    assert draw_scores(_report([0.9]), FrameRange(start=0, stop=1)).shape[1] == WIDTH_PX
