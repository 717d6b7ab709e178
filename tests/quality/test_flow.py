import numpy as np
import pytest

from bodyswap.quality.flow import FlowEstimator, grey, pulled, seen_in_both
from tests.quality.scenes import panned, texture

INNER = slice(16, -16)


def test_flow_says_where_things_went_and_backward_flow_fetches_them() -> None:
    before, after = panned(2, step=4)
    flow = FlowEstimator().flow
    forth, back = flow(grey(before), grey(after)), flow(grey(after), grey(before))
    assert np.median(forth[INNER, INNER, 0]) == pytest.approx(-4, abs=0.1)
    assert np.median(back[INNER, INNER, 0]) == pytest.approx(4, abs=0.1)
    moved = pulled(before, back)[INNER, INNER].astype(float)
    assert np.abs(moved - after[INNER, INNER]).mean() < 1
    assert np.abs(before[INNER, INNER].astype(float) - after[INNER, INNER]).mean() > 20


def test_what_came_in_at_the_edge_was_not_seen_before() -> None:
    before, after = panned(2, step=4)
    flow = FlowEstimator().flow
    seen = seen_in_both(flow(grey(before), grey(after)), flow(grey(after), grey(before)))
    assert seen[INNER, INNER].mean() > 0.95
    assert not seen[:, -2:].any()


def test_what_a_walker_uncovers_was_not_seen_before() -> None:
    before, after = texture(5, 240, 320), texture(5, 240, 320)
    for picture, left in ((before, 40), (after, 48)):
        picture[60:180, left : left + 100] = texture(6, 120, 100)
    flow = FlowEstimator().flow
    seen = seen_in_both(flow(grey(before), grey(after)), flow(grey(after), grey(before)))
    uncovered, walker, standing = seen[70:170, 40:48], seen[70:170, 52:144], seen[70:170, 180:]
    assert uncovered.mean() < 0.2
    assert min(walker.mean(), standing.mean()) > 0.95
