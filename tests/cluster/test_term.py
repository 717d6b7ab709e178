from pathlib import Path

import pytest
from tiny_farm import make_farm

from cluster.farm.controller import Controller
from cluster.farm.term import LAPSES_AFTER_S, RENEWALS_A_LAPSE, Term
from cluster.jobs.job import JobState
from cluster.jobs.keys import FARM
from cluster.stores.local import LocalStore
from cluster.workers.inline import InlineRuntime

RENEW_EVERY_S = LAPSES_AFTER_S / RENEWALS_A_LAPSE


class _Clock:
    def __init__(self, now_s: float = 0.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


def _pass(seconds: float, *clocks: _Clock) -> None:
    for clock in clocks:
        clock.now_s += seconds


def test_of_two_controllers_one_has_the_farm_whatever_their_clocks_say(store: LocalStore) -> None:
    ours, theirs = _Clock(), _Clock(-1e6)
    first, second = Term(store, "c", ours), Term(store, "c", theirs)
    for _ in range(20):
        assert (first.is_held(), second.is_held()) == (True, False)
        _pass(RENEW_EVERY_S + 1, ours, theirs)


def test_the_farm_of_a_controller_that_is_gone_is_taken_over_once(store: LocalStore) -> None:
    clock = _Clock()
    assert Term(store, "gone", clock).is_held()
    heirs = [Term(store, "heir", clock) for _ in range(3)]
    assert [heir.is_held() for heir in heirs] == [False] * 3
    _pass(LAPSES_AFTER_S - 1, clock)
    assert [heir.is_held() for heir in heirs] == [False] * 3
    _pass(RENEW_EVERY_S, clock)
    assert sum([heir.is_held() for heir in heirs]) == 1


def test_a_holder_that_slept_too_long_sees_that_it_has_lost_the_farm(store: LocalStore) -> None:
    ours, theirs = _Clock(), _Clock()
    sleeper, heir = Term(store, "c", ours), Term(store, "c", theirs)
    assert sleeper.is_held() and not heir.is_held()
    _pass(LAPSES_AFTER_S + 1, theirs)
    assert heir.is_held()
    _pass(2 * LAPSES_AFTER_S, ours)
    assert not sleeper.is_held() and not sleeper.was_held


def test_a_farm_given_up_is_taken_over_at_once(store: LocalStore) -> None:
    clock = _Clock()
    first, second = Term(store, "c", clock), Term(store, "c", clock)
    assert first.is_held() and not second.is_held()
    first.give_up()
    _pass(RENEW_EVERY_S, clock)
    assert second.is_held() and not first.is_held()


def test_old_terms_do_not_pile_up(store: LocalStore) -> None:
    clock = _Clock()
    for _ in range(6):
        term = Term(store, "c", clock)
        assert term.is_held()
        term.give_up()
        _pass(RENEW_EVERY_S, clock)
    assert len(store.list_keys(FARM)) <= 4


def test_a_controller_that_is_interrupted_leaves_the_farm_to_the_next(tmp_path: Path) -> None:
    farm, clock = make_farm(tmp_path), _Clock()
    runtime = InlineRuntime(farm.worker_config)
    term = Term(farm.store, "c", clock)
    controller = Controller(store=farm.store, runtime=runtime, term=term)

    def interrupt() -> bool:
        if term.was_held:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        controller.serve(interrupt)
    runtime.close()
    assert Term(farm.store, "next", clock).is_held()


def test_a_controller_without_the_farm_leaves_the_queue_alone(tmp_path: Path) -> None:
    farm, clock = make_farm(tmp_path), _Clock()
    assert Term(farm.store, "other", clock).is_held()
    job = farm.client.submit(farm.request(shards=1))
    runtime = InlineRuntime(farm.worker_config)
    controller = Controller(store=farm.store, runtime=runtime, term=Term(farm.store, "c", clock))
    for _ in range(4):
        controller.tend(0.01)
    assert farm.client.status(job).state is JobState.SUBMITTED
    _pass(LAPSES_AFTER_S + RENEW_EVERY_S, clock)
    controller.tend(0.01)
    runtime.close()
    assert farm.client.status(job).state is not JobState.SUBMITTED
