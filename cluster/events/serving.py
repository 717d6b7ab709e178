"""Rounds of listening: take, sweep, gather, answer; on and on, whatever the store or queue does.

It does not know what is heard.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from bodyswap.errors import StoreError
from cluster.events.listener import Counts, Listener, Source
from cluster.events.queue import Message


class Silence:
    """A source that says nothing, for a listener that is told by HTTP alone."""

    def take(self, wait_s: int) -> list[Message]:
        time.sleep(wait_s)
        return []

    def remove(self, message: Message) -> None:
        raise AssertionError("nothing was taken")


def serve(
    listener: Listener,
    source: Source,
    *,
    sweep_every_s: float,
    wait_s: int,
    is_over: Callable[[], bool],
    on_round: Callable[[Counts], None],
    on_trouble: Callable[[StoreError], None],
) -> None:
    """Listen until `is_over`; where the store or queue fails, go on with the next round."""
    swept_at_s = float("-inf")
    while not is_over():
        try:
            listener.take(source, wait_s)
            if time.monotonic() - swept_at_s >= sweep_every_s:
                listener.sweep()
                swept_at_s = time.monotonic()
            listener.gather()
            listener.answer_all()
        except StoreError as error:
            on_trouble(error)
            time.sleep(min(wait_s, 1))
        on_round(replace(listener.counts))
