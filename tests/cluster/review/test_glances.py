"""Many who ask the same at once cost one look, and an error is kept for nobody."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cluster.review.glances import Glances


def test_many_at_once_cost_one_look_and_later_ones_another() -> None:
    now_s, looks = [0.0], []
    glances = Glances(1.0, clock=lambda: now_s[0])
    together = threading.Barrier(8)

    def ask(_: int) -> int:
        together.wait()
        return glances.get("job", lambda: looks.append(1) or len(looks))

    with ThreadPoolExecutor(8) as people:
        assert set(people.map(ask, range(8))) == {1}
    now_s[0] = 1.0
    assert glances.get("job", lambda: 2) == 2
    glances.forget()
    assert glances.get("job", lambda: 3) == 3


def test_an_error_is_looked_for_again() -> None:
    glances = Glances(60.0)

    def fail() -> int:
        raise ValueError("gone")

    with pytest.raises(ValueError, match="gone"):
        glances.get("job", fail)
    assert glances.get("job", lambda: 1) == 1
