"""Keeps a run's last states where a kill at any moment cannot harm them: data, then a marker.

It does not know what a state holds. The marker is written last and tells the data's size and
SHA-256, so a state counts only once it is whole. The one before it stays until then.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Protocol

from bodyswap.errors import SubjectError

KEPT = 2
_DATA, _MARKER = ".pt", ".json"


class Objects(Protocol):
    """Bytes under keys, each put whole or not at all. The farm's `Store` is one."""

    def get(self, key: str) -> bytes | None:
        """The object's bytes, or None where there is none."""

    def put(self, key: str, data: bytes) -> None:
        """Store `data` over whatever was there; once this returns, it outlives a power cut."""

    def list_keys(self, prefix: str) -> list[str]:
        """Every key that begins with `prefix`, sorted."""

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens where there is none."""


class MarkedCheckpoints:
    """The last states of one run, among `objects` under `prefix`; `place` is its name to people."""

    def __init__(self, objects: Objects, prefix: str, place: str) -> None:
        self._objects, self._prefix, self._place = objects, prefix, place

    def newest(self) -> bytes | None:
        """The newest whole state; None where none was ever finished.

        Raises:
            SubjectError: there are finished states, and all are damaged.
        """
        steps = self._steps(_MARKER)
        for step in reversed(steps):
            data = self._whole(step)
            if data is not None:
                return data
        if steps:
            raise SubjectError(
                f"every training state in '{self._place}' is damaged; remove it to start anew"
            )
        return None

    def put(self, step: int, data: bytes) -> None:
        """Keep the state after `step`; one that is whole already stays as it is."""
        if self._whole(step) is None:
            self._objects.delete(self._key(step, _MARKER))
            self._objects.put(self._key(step, _DATA), data)
            self._objects.put(self._key(step, _MARKER), _describe(data))
        self._prune()

    def _prune(self) -> None:
        """Leave the last `KEPT`. Markers go first, so that no marker is left without its data."""
        kept = self._steps(_MARKER)[-KEPT:]
        for suffix in (_MARKER, _DATA):
            for step in self._steps(suffix):
                if step not in kept:
                    self._objects.delete(self._key(step, suffix))

    def _whole(self, step: int) -> bytes | None:
        marker = self._objects.get(self._key(step, _MARKER))
        if marker is None:
            return None
        data = self._objects.get(self._key(step, _DATA))
        return data if data is not None and _describe(data) == marker else None

    def _steps(self, suffix: str) -> list[int]:
        names = [key[len(self._prefix) :] for key in self._objects.list_keys(self._prefix)]
        stems = [name.removesuffix(suffix) for name in names if name.endswith(suffix)]
        return sorted(int(stem) for stem in stems if stem.isdigit())

    def _key(self, step: int, suffix: str) -> str:
        return f"{self._prefix}{step:08d}{suffix}"


class FolderCheckpoints(MarkedCheckpoints):
    """The last states of a run, in a folder of its own, made when first written to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(_Folder(folder), "", str(folder))


class _Folder:
    """Files as objects: written aside, synced, and then moved to their names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> bytes | None:
        try:
            return (self._folder / key).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, key: str, data: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        # One name for all, so that what a killed run left half written is written over.
        scratch = self._folder / ".partial"
        with scratch.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(self._folder / key)
        handle = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def list_keys(self, prefix: str) -> list[str]:
        if not self._folder.is_dir():
            return []
        return sorted(one.name for one in self._folder.iterdir() if one.name.startswith(prefix))

    def delete(self, key: str) -> None:
        (self._folder / key).unlink(missing_ok=True)


def _describe(data: bytes) -> bytes:
    facts = {"size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return json.dumps(facts).encode()
