"""Who runs the farm: one controller at a time, by compare-and-swap in the store.

It does not know what a controller does. A term is a numbered object that only one can create; its
holder keeps writing a sign of life beside it. Others measure with their own clock how long that
sign has not changed, so clocks need not agree. A holder that was asleep may act for a moment
beside its successor: journals, leases and commits are conditional puts and bear that.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from cluster.jobs.keys import TERMS
from cluster.stores.record import from_json, to_json
from cluster.stores.store import Store

LAPSES_AFTER_S = 30.0
RENEWALS_A_LAPSE = 6


@dataclass(frozen=True, kw_only=True)
class Sign:
    """A holder's sign of life. `beat` counts up."""

    holder: str
    beat: int


class Term:
    """One controller's claim to the farm. `clock` is its own, and need only run evenly."""

    def __init__(
        self,
        store: Store,
        name: str,
        clock: Callable[[], float],
        *,
        lapses_after_s: float = LAPSES_AFTER_S,
    ) -> None:
        self._store = store
        self._clock = clock
        self._lapses_after_s = lapses_after_s
        # Two controllers of one name are still two.
        self.holder = f"{name}-{secrets.token_hex(4)}"
        self._number = 0
        self._beat = 0
        self._looked_at_s = float("-inf")
        self._seen: tuple[int, Sign | None] = (0, None)
        self._seen_at_s = float("-inf")
        self._is_mine = False

    def is_held(self) -> bool:
        """Renew the claim, or take it over where its holder is gone. Raises StoreError."""
        now_s = self._clock()
        if now_s < self._looked_at_s + self._lapses_after_s / RENEWALS_A_LAPSE:
            return self._is_mine
        number = self._latest()
        if self._is_mine and number == self._number:
            self._renew()
        else:
            self._is_mine = False
            self._watch(number, now_s)
        self._looked_at_s = now_s
        return self._is_mine

    @property
    def was_held(self) -> bool:
        """Whether it was held when that could last be told."""
        return self._is_mine

    def give_up(self) -> None:
        """Let another have it at once."""
        if self._is_mine:
            self._is_mine = False
            self._store.put(_sign(self._number), to_json(Sign(holder="", beat=0)))

    def _latest(self) -> int:
        numbers = [int(key[len(TERMS) :].partition("/")[0]) for key in self._store.list_keys(TERMS)]
        return max(numbers, default=0)

    def _renew(self) -> None:
        self._beat += 1
        self._store.put(_sign(self._number), to_json(Sign(holder=self.holder, beat=self._beat)))

    def _watch(self, number: int, now_s: float) -> None:
        data = self._store.get(_sign(number)) if number else None
        sign = None if data is None else from_json(data, Sign, what=_sign(number))
        if (number, sign) != self._seen:
            self._seen, self._seen_at_s = (number, sign), now_s
        is_free = number == 0 or (sign is not None and not sign.holder)
        if is_free or now_s > self._seen_at_s + self._lapses_after_s:
            self._take(number + 1)

    def _take(self, number: int) -> None:
        if not self._store.put_if_absent(f"{TERMS}{number:06d}/holder", self.holder.encode()):
            return
        self._is_mine, self._number, self._beat = True, number, 0
        self._renew()
        for key in self._store.list_keys(TERMS):
            if key < f"{TERMS}{number - 1:06d}":
                self._store.delete(key)


def _sign(number: int) -> str:
    return f"{TERMS}{number:06d}/sign.json"
