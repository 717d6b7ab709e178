"""Plates that arrive as many files: when all of a folder's frames are there, they are one arrival.

    gathering/<id>    a folder whose frames come in; gone once it was heard of as a whole

A folder is whole when its marker object is there, or when nothing in it has changed for the rule's
quiet time, by the store's own clock. Its version is the hash of all its frames' names and entity
tags, so that the same frames are the same arrival however often they are told of.
It does not know jobs or queues.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from bodyswap.errors import InputError
from cluster.events.notification import PlacedObject
from cluster.events.rules import ListenConfig, Rule
from cluster.jobs.keys import GATHERING
from cluster.stores.record import content_hash, from_json, to_json
from cluster.stores.store import Store

_NUMBERED = re.compile(r"(?P<base>.*?)(?P<number>\d+)(?P<suffix>\.\w+)")


@dataclass(frozen=True, kw_only=True)
class ListedObject:
    """An object as a listing tells of it. `modified_s` is in seconds since 1970."""

    placed: PlacedObject
    size_bytes: int
    modified_s: float


class Lister(Protocol):
    """A place whose objects can be listed and fetched."""

    def listed_under(self, bucket: str, prefix: str) -> Iterator[ListedObject]: ...

    def fetch(self, placed: PlacedObject, path: Path) -> bool: ...


@dataclass(frozen=True, kw_only=True)
class FrameFolder:
    """The frames of a folder as they are now, by name."""

    bucket: str
    key: str
    frames: tuple[ListedObject, ...]

    @property
    def placed(self) -> PlacedObject:
        """The folder as one object, whose version is its frames'."""
        told = [(each.placed.key, each.placed.etag) for each in self.frames]
        return PlacedObject(bucket=self.bucket, key=self.key, etag=content_hash(told)[:32])

    @property
    def size_bytes(self) -> int:
        return sum(each.size_bytes for each in self.frames)

    @property
    def sample(self) -> str:
        """The key of the first frame, which the rule's pattern is for."""
        return self.frames[0].placed.key

    @property
    def changed_s(self) -> float:
        return max(each.modified_s for each in self.frames)

    def fetch(self, lister: Lister, folder: Path) -> Path | None:
        """The pattern of the frames, fetched into `folder`; None where one was replaced meanwhile.

        Raises:
            InputError: their names are no numbered sequence.
        """
        names = [PurePosixPath(each.placed.key).name for each in self.frames]
        found = [_NUMBERED.fullmatch(name) for name in names]
        kinds = {(match["base"], match["suffix"]) for match in found if match}
        if None in found or len(kinds) != 1:
            raise InputError(
                f"s3://{self.bucket}/{self.key} holds more than one numbered sequence; put each"
                " into a folder of its own"
            )
        ((base, suffix),) = kinds
        for each, name in zip(self.frames, names, strict=True):
            if not lister.fetch(each.placed, folder / name):
                return None
        return folder / f"{base}#{suffix}"


@dataclass(frozen=True, kw_only=True)
class _Open:
    bucket: str
    folder: str
    rule: str


class Gathering:
    """The folders of one store's listeners whose frames are coming in."""

    def __init__(self, store: Store, lister: Lister) -> None:
        self._store, self._lister = store, lister

    def open(self, placed: PlacedObject, rule: Rule) -> bool:
        """Wait for the folder of a frame; True where nobody did."""
        folder = folder_of(placed.key)
        told = _Open(bucket=placed.bucket, folder=folder, rule=rule.name)
        return self._store.put_if_absent(_key(placed.bucket, folder), to_json(told))

    def close(self, folder: FrameFolder, rule: Rule) -> None:
        """Wait no longer for a folder that is durable as a whole, unless it changed since."""
        self._store.delete(_key(folder.bucket, folder.key))
        again = self.look(folder.placed, rule)
        if again is not None and again.placed != folder.placed:
            self.open(again.frames[0].placed, rule)

    def whole(self, config: ListenConfig, now_s: float) -> Iterator[tuple[FrameFolder, Rule]]:
        """The folders that are waited for and are complete, with their rules."""
        for key in self._store.list_keys(GATHERING):
            data = self._store.get(key)
            if data is None:
                continue
            told = from_json(data, _Open, what=key)
            rule = config.rule_named(told.rule)
            if rule is None or rule.sequence is None:
                continue
            where = PlacedObject(bucket=told.bucket, key=told.folder, etag="")
            folder = self.look(where, rule)
            if folder is not None and self._is_whole(folder, rule, now_s):
                yield folder, rule

    def look(self, placed: PlacedObject, rule: Rule) -> FrameFolder | None:
        """The folder as it is now; None where it holds no frames."""
        listed = self._lister.listed_under(placed.bucket, placed.key)
        return next(iter(folders_of(listed, rule, only=placed.key)), None)

    def _is_whole(self, folder: FrameFolder, rule: Rule, now_s: float) -> bool:
        assert rule.sequence is not None
        if not rule.sequence.marker:
            return now_s - folder.changed_s >= rule.sequence.quiet_s
        marker = folder.key + rule.sequence.marker
        return any(
            each.placed.key == marker for each in self._lister.listed_under(folder.bucket, marker)
        )


def folders_of(
    listed: Iterable[ListedObject], rule: Rule, only: str | None = None
) -> list[FrameFolder]:
    """The folders, of all or the one called `only`, in which frames lie that the rule is for."""
    frames: dict[tuple[str, str], list[ListedObject]] = defaultdict(list)
    for each in listed:
        folder = folder_of(each.placed.key)
        if only in (None, folder) and rule.match(each.placed) is not None:
            frames[each.placed.bucket, folder].append(each)
    return [
        FrameFolder(
            bucket=bucket, key=folder, frames=tuple(sorted(each, key=lambda one: one.placed.key))
        )
        for (bucket, folder), each in frames.items()
    ]


def folder_of(key: str) -> str:
    """What the keys of a folder begin with, its slash included."""
    return key.rpartition("/")[0] + "/" if "/" in key else ""


def _key(bucket: str, folder: str) -> str:
    return f"{GATHERING}{content_hash([bucket, folder])[:24]}"
