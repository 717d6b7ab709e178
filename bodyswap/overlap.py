"""Stages at work at the same time: each a few things ahead of the one that takes from it.

Every stage but the last has a thread of its own; FFmpeg, PyTorch, OpenVINO and OpenCV let the
others run while they compute. What comes out, and in which order, is what one thread would make.
It does not know what the things are.
"""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from typing import Generic, TypeVar

from bodyswap.steps import in_another_thread, unclocked

Thing = TypeVar("Thing")
OnFrame = Callable[[int], None]
"""Called with the number of frames finished so far."""


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """By how many frames a stage may be ahead of the next; by none, they take turns.

    Memory: so many frames wait, one more is in the making and one in use, at each stage.
    """

    frames: int = 0

    @contextmanager
    def ahead(self, things: Iterable[Thing], *, frames_each: int = 1) -> Iterator[Iterator[Thing]]:
        """`things`, made in a thread of their own while the block uses those before.

        What making them raises is raised where the next one is taken, once those before it were.
        The thread has ended when the block does, however that ends.
        """
        if not self.frames:
            with _closed(things) as source:
                yield source
            return
        lane = _Lane(things, most=max(1, self.frames // frames_each))
        try:
            yield lane.taken()
        finally:
            lane.stop()


NO_OVERLAP = Overlap()


def ignore_frames(_done: int) -> None:
    """For whoever does not want to know how far a piece of work is."""


def reported(things: Iterable[Thing], on_frame: OnFrame) -> Iterator[Thing]:
    """`things`, one a frame, `on_frame` being called each time the taker is done with one."""
    for done, thing in enumerate(things, start=1):
        yield thing
        on_frame(done)


class _Lane(Generic[Thing]):
    """A thread that makes things, and the few that wait to be taken."""

    def __init__(self, things: Iterable[Thing], *, most: int) -> None:
        self._things, self._most = things, most
        self._waiting: deque[Thing] = deque()
        self._changed = threading.Condition()
        self._should_stop = self._is_over = False
        self._error: BaseException | None = None
        make = in_another_thread(self._make)
        self._thread = threading.Thread(
            target=copy_context().run, args=(make,), name="bodyswap-ahead", daemon=True
        )
        self._thread.start()

    def taken(self) -> Iterator[Thing]:
        while True:
            with unclocked(), self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_over)
                if not self._waiting:
                    break
                thing = self._waiting.popleft()
                self._changed.notify_all()
            yield thing
            del thing  # or it would live on while the next one is waited for
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Make nothing more; what is in the making is waited for."""
        with self._changed:
            self._should_stop = True
            self._changed.notify_all()
        self._thread.join()
        self._waiting.clear()

    def _make(self) -> None:
        try:
            self._put_all()
        except BaseException as error:  # noqa: BLE001 - the thread's edge: whoever takes next gets it
            self._error = error
        finally:
            with self._changed:
                self._is_over = True
                self._changed.notify_all()

    def _put_all(self) -> None:
        with _closed(self._things) as source:
            for thing in source:
                if not self._put(thing):
                    return

    def _put(self, thing: Thing) -> bool:
        """Hand the thing over, once there is room; False where nobody wants it any more."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) < self._most or self._should_stop)
            if self._should_stop:
                return False
            self._waiting.append(thing)
            self._changed.notify_all()
            return True


@contextmanager
def _closed(things: Iterable[Thing]) -> Iterator[Iterator[Thing]]:
    """`things`, closed with the block by its own thread: a generator may hold files open."""
    source = iter(things)
    try:
        yield source
    finally:
        if isinstance(source, Generator):
            source.close()
