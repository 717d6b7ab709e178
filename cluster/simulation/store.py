"""A store in memory, as each process sees it: slow, failing, and cut short by its death.

`Objects` is the truth that all share and that the auditor watches; `StoreSeen` is one process's
way to it.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from bodyswap.errors import StoreError
from cluster.simulation.faults import FAULTS_END_AT_S, Faults
from cluster.simulation.world import World
from cluster.stores.compose import Content
from cluster.stores.store import ObjectFacts, check_key, check_prefix, missing

URL = "simulated"
_checked_key = lru_cache(maxsize=1 << 14)(check_key)
_checked_prefix = lru_cache(maxsize=1 << 12)(check_prefix)


class Killed(BaseException):
    """The process that called the store is dead: nothing of it goes on."""


@dataclass(kw_only=True)
class Pulse:
    """Whether a process lives. With `ways_left` it dies on that many ways to or from the store."""

    beats: bool = True
    ways_left: int | None = None

    def stop(self) -> None:
        self.beats = False


class Watcher(Protocol):
    """Told of every change of the store, as it happens."""

    def wrote(self, key: str, data: bytes, before: bytes | None) -> None: ...

    def deleted(self, key: str, before: bytes) -> None: ...


class Objects:
    """What is in the store. Keys are kept sorted, because listing is what is done most."""

    def __init__(self) -> None:
        self.watcher: Watcher | None = None
        self.requests = 0
        self._data: dict[str, bytes] = {}
        self._keys: list[str] = []

    def get(self, key: str) -> bytes | None:
        return self._data.get(key)

    def put(self, key: str, data: bytes) -> None:
        before = self._data.get(key)
        if before is None:
            insort(self._keys, key)
        self._data[key] = data
        if self.watcher is not None:
            self.watcher.wrote(key, data, before)

    def delete(self, key: str) -> None:
        before = self._data.pop(key, None)
        if before is not None:
            del self._keys[bisect_left(self._keys, key)]
            if self.watcher is not None:
                self.watcher.deleted(key, before)

    def list_keys(self, prefix: str) -> list[str]:
        first = bisect_left(self._keys, prefix)
        last = bisect_left(self._keys, prefix + "\U0010ffff", lo=first)
        return self._keys[first:last]


class StoreSeen:
    """The store of the process that has this `pulse`. Time passes in calls only where
    `takes_time`.
    """

    def __init__(
        self,
        objects: Objects,
        world: World,
        faults: Faults,
        *,
        pulse: Pulse | None = None,
        takes_time: bool = False,
    ) -> None:
        self._objects = objects
        self._world = world
        self._faults = faults
        self._pulse = pulse or Pulse()
        self._takes_time = takes_time
        self._longest_way_s = faults.store_delay_s / 2
        self._is_lost = faults.store_fails / 2

    @property
    def url(self) -> str:
        return URL

    def get(self, key: str) -> bytes | None:
        _checked_key(key)
        self._before("read", key)
        found = self._objects.get(key)
        self._travel("read", key)
        return found

    def read_range(self, key: str, start: int, stop: int) -> bytes:
        data = self.get(key)
        if data is None:
            raise missing(key, URL)
        return data[start:stop]

    def compose(self, key: str, contents: Sequence[Content]) -> int:
        whole = b"".join(
            each if isinstance(each, bytes) else self.read_range(each.key, each.start, each.stop)
            for each in contents
        )
        self.put(key, whole)
        return len(whole)

    def put(self, key: str, data: bytes) -> None:
        _checked_key(key)
        self._before("write", key)
        self._objects.put(key, data)
        self._travel("write", key)

    def put_if_absent(self, key: str, data: bytes) -> bool:
        _checked_key(key)
        self._before("write", key)
        is_absent = self._objects.get(key) is None
        if is_absent:
            self._objects.put(key, data)
        self._travel("write", key)
        return is_absent

    def list_keys(self, prefix: str) -> list[str]:
        _checked_prefix(prefix)
        self._before("list", prefix)
        keys = self._objects.list_keys(prefix)
        self._travel("list", prefix)
        return keys

    def head(self, key: str) -> ObjectFacts | None:
        data = self.get(key)
        return None if data is None else ObjectFacts(key=key, size_bytes=len(data))

    def delete(self, key: str) -> None:
        self._before("delete", key)
        self._objects.delete(key)
        self._travel("delete", key)

    def copy(self, key: str, to: str) -> None:
        data = self.get(key)
        if data is None:
            raise missing(key, URL)
        self.put(to, data)

    def put_file(self, key: str, path: Path) -> None:
        self.put(key, path.read_bytes())

    def fetch_file(self, key: str, path: Path) -> None:
        data = self.get(key)
        if data is None:
            raise missing(key, URL)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def _before(self, verb: str, key: str) -> None:
        """A failure on the way there has done nothing."""
        self._objects.requests += 1
        self._travel(verb, key)

    def _travel(self, verb: str, key: str) -> None:
        """A failure on the way back has been done all the same: only the answer is lost."""
        # Over a thousand times in a history, so it is written for speed.
        world, pulse = self._world, self._pulse
        if self._takes_time:
            world.pass_time(world.random.random() * self._longest_way_s)
        if pulse.ways_left is not None:
            pulse.ways_left -= 1
            if pulse.ways_left < 0:
                pulse.stop()
        if not pulse.beats:
            raise Killed
        for start, end in self._faults.store_outages_s:
            if start <= world.now_s < end:
                raise _silent(verb, key)
        if world.now_s < FAULTS_END_AT_S and world.random.random() < self._is_lost:
            raise _silent(verb, key)


def _silent(verb: str, key: str) -> StoreError:
    return StoreError(f"cannot {verb} '{key}': the store does not answer")
