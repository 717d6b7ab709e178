"""Stages that overlap make what one thread makes, in its order, and end when it would."""

import threading
from collections.abc import Iterator

import pytest

from bodyswap.environment import ahead_frames
from bodyswap.errors import PlateError, UsageError
from bodyswap.overlap import NO_OVERLAP, Overlap, reported
from bodyswap.steps import StepClock, clocked, each_step, step

AHEAD = Overlap(frames=3)
both = pytest.mark.parametrize("overlap", [NO_OVERLAP, AHEAD, Overlap(frames=1)])


class Source:
    """Numbers, and what became of whoever makes them."""

    def __init__(self, count: int, *, fails_at: int | None = None) -> None:
        self.made: list[int] = []
        self.makers: set[int] = set()
        self.was_closed = False
        self._count, self._fails_at = count, fails_at

    def numbers(self) -> Iterator[int]:
        try:
            for number in range(self._count):
                self.makers.add(threading.get_ident())
                if number == self._fails_at:
                    raise PlateError(f"frame {number} does not decode")
                self.made.append(number)
                yield number
        finally:
            self.was_closed = True


def _threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "bodyswap-ahead"]


@both
def test_what_comes_out_is_what_went_in(overlap: Overlap) -> None:
    source = Source(50)
    with overlap.ahead(source.numbers()) as first, overlap.ahead(n * n for n in first) as squares:
        assert list(squares) == [n * n for n in range(50)]
    assert source.was_closed and not _threads()
    assert (threading.get_ident() in source.makers) is (overlap is NO_OVERLAP)


@both
def test_an_error_comes_as_it_is_after_all_that_was_made_before_it(overlap: Overlap) -> None:
    source, taken = Source(50, fails_at=20), []
    with (
        pytest.raises(PlateError, match="frame 20"),
        overlap.ahead(source.numbers()) as first,
        overlap.ahead(n * n for n in first) as squares,
    ):
        taken += iter(squares)  # a list keeps what came before the error
    assert taken == [n * n for n in range(20)]
    assert source.was_closed and not _threads()


@both
def test_a_taker_who_stops_early_stops_the_maker(overlap: Overlap) -> None:
    source = Source(1_000_000)
    with (
        pytest.raises(KeyboardInterrupt),
        overlap.ahead(source.numbers()) as first,
        overlap.ahead(n * n for n in first) as squares,
    ):
        for square in squares:
            if square == 25:
                raise KeyboardInterrupt
    assert source.was_closed and not _threads()
    # Two lanes, in each of which so many wait, and one is in the making and one in use.
    assert len(source.made) <= 6 + 2 * (overlap.frames + 2)


def test_a_maker_waits_once_it_is_far_enough_ahead() -> None:
    source, is_full = Source(100), threading.Event()

    def watched() -> Iterator[int]:
        for number in source.numbers():
            if number == AHEAD.frames:
                is_full.set()
            yield number

    with AHEAD.ahead(watched()) as numbers:
        assert is_full.wait(30)
        for number in numbers:
            # So many wait, and one is in the maker's hands.
            assert len(source.made) <= number + 1 + AHEAD.frames + 1


def test_the_maker_works_while_the_taker_does() -> None:
    """Each waits for the other: one thread would wait for ever."""
    made, used = threading.Event(), threading.Event()

    def things() -> Iterator[int]:
        yield 1
        assert used.wait(30)
        made.set()
        yield 2

    with AHEAD.ahead(things()) as numbers:
        assert next(numbers) == 1
        used.set()
        assert made.wait(30)
        assert list(numbers) == [2]


@both
def test_progress_is_told_in_order_by_the_taker(overlap: Overlap) -> None:
    told: list[tuple[int, int]] = []
    with overlap.ahead(Source(10).numbers()) as numbers:
        for number in reported(numbers, lambda done: told.append((done, threading.get_ident()))):
            assert len(told) == number
    assert told == [(done, threading.get_ident()) for done in range(1, 11)]


def test_what_is_made_for_mending_counts_as_mending_in_any_thread() -> None:
    clock = StepClock()
    with clocked(clock), step("mend"), AHEAD.ahead(each_step("render", range(3))) as numbers:
        assert list(numbers) == [0, 1, 2]
    assert set(clock.seconds) == {"mend"}


def test_the_environment_says_how_far_ahead_and_0_is_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("BODYSWAP_AHEAD_FRAMES", raising=False)
    assert ahead_frames() > 0
    monkeypatch.setenv("BODYSWAP_AHEAD_FRAMES", "0")
    assert ahead_frames() == 0
    monkeypatch.setenv("BODYSWAP_AHEAD_FRAMES", "many")
    with pytest.raises(UsageError, match="BODYSWAP_AHEAD_FRAMES 'many'"):
        ahead_frames()
