import numpy as np

from bodyswap.joins import Join, JoinScore
from bodyswap.quality import sheet
from bodyswap.quality.joins_plot import draw_join_scores
from bodyswap.timing import FrameRange

FRAMES = FrameRange(start=0, stop=200)


def _join(frame: int, block: float, *, mended: int = 0, ratio: float | None = 1.0) -> Join:
    score = JoinScore(block=block, largest=block, p99=block, psnr_db=40.0)
    return Join(frame=frame, score=score, mended_frames=mended, warping_ratio=ratio)


def _has(picture: np.ndarray, colour: sheet.Colour) -> bool:
    return bool((picture == colour).all(axis=2).any())


def test_mended_joins_and_clean_ones_are_told_apart_and_nothing_is_drawn_at_a_cut() -> None:
    clean, mended = _join(50, 0.4), _join(100, 9.0, mended=12)
    cut = Join(frame=150, score=None, mended_frames=0)
    clean_ink, mended_ink = sheet.colour_of(2), sheet.colour_of(0)
    only_clean = draw_join_scores([clean, cut], FRAMES, tolerance=2.0)
    assert _has(only_clean, clean_ink) and not _has(only_clean, mended_ink)
    assert _has(draw_join_scores([clean, mended, cut], FRAMES, tolerance=2.0), mended_ink)
    only_cut = draw_join_scores([cut], FRAMES, tolerance=2.0)
    assert not _has(only_cut, clean_ink) and not _has(only_cut, mended_ink)


def test_a_join_over_the_tolerance_stands_above_its_line() -> None:
    picture = draw_join_scores([_join(100, 8.0)], FRAMES, tolerance=2.0)
    bar = (picture == sheet.colour_of(2)).all(axis=2)
    first_graph = bar[: 48 + 120]
    line = (picture[:, 260] == sheet.INK).all(axis=1)[: 48 + 120]
    assert np.flatnonzero(first_graph.any(axis=1)).min() < np.flatnonzero(line)[-1]
