"""Answers kept for a moment, so that many who ask the same at once cost the store one look.

It does not know what is looked at.
"""

import threading
import time
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

Answer = TypeVar("Answer")
_MOST_KEPT = 2048


class Glances:
    """What was seen less than `keep_s` ago. Whoever asks while another looks waits for them."""

    def __init__(self, keep_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._keep_s, self._clock = keep_s, clock
        self._lock = threading.Lock()
        self._kept: dict[Hashable, tuple[float, object]] = {}
        self._looking: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, look: Callable[[], Answer]) -> Answer:
        """The answer kept under `key`, or that of `look` now. An error is kept for nobody."""
        with self._lock:
            looking = self._looking.setdefault(key, threading.Lock())
        with looking:
            with self._lock:
                kept = self._kept.get(key)
            if kept is not None and self._clock() < kept[0] + self._keep_s:
                return cast(Answer, kept[1])
            try:
                answer = look()
                self._keep(key, answer)
            finally:
                with self._lock:
                    self._looking.pop(key, None)
            return answer

    def forget(self) -> None:
        """Look anew whoever asks next, since somebody has changed something."""
        with self._lock:
            self._kept.clear()

    def _keep(self, key: Hashable, answer: object) -> None:
        now_s = self._clock()
        with self._lock:
            self._kept[key] = (now_s, answer)
            if len(self._kept) > _MOST_KEPT:
                live = {k: v for k, v in self._kept.items() if now_s < v[0] + self._keep_s}
                self._kept = live if len(live) <= _MOST_KEPT else {}
