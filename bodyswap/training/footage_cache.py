"""Keeps poses and prepared footage between runs, so that a resumed training looks at no clip again.

It does not know how either is made. Everything is kept by its content: of the footage, and of the
settings that it was prepared with. Several processes may share a folder.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

import numpy as np

from bodyswap.config import RenderSettings
from bodyswap.people import PoseSequence
from bodyswap.timing import FrameRange
from bodyswap.training.footage import SubjectFootage

_FORMAT = 1
_SCRATCH = ".partial-"


def content_key(
    parts: Sequence[tuple[str, FrameRange]], settings: RenderSettings, *more: object
) -> str:
    """The name of what is made from these parts (each a file's SHA-256, and frames of it)."""
    facts = {
        "format": _FORMAT,
        "parts": [(sha256, frames.start, frames.stop) for sha256, frames in parts],
        "mode": settings.mode,
        "pose": asdict(settings.pose),
        "solve": asdict(settings.solve),
        "more": more,
    }
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]


class KeptPoses(Protocol):
    """Where poses are kept for other machines too: bytes under keys. The farm's `Store` is one."""

    def get(self, key: str) -> bytes | None:
        """The object's bytes, or None where there is none."""

    def put(self, key: str, data: bytes) -> None:
        """Store `data`, whole or not at all."""


class FootageCache:
    """What was prepared, in a folder that can be removed at any time.

    Poses, which take the longest, are looked for in `elsewhere` too, and kept there.
    """

    def __init__(self, folder: Path, elsewhere: KeptPoses | None = None) -> None:
        self._folder, self._elsewhere = folder, elsewhere

    def poses(self, key: str, make: Callable[[], PoseSequence]) -> PoseSequence:
        """The poses of this key, made where they are not kept."""
        path = self._folder / f"{key}.npz"
        if not path.is_file():
            found = self._pose_bytes(f"poses/{path.name}", make)
            with self._beside() as scratch:
                (scratch / path.name).write_bytes(found)
                (scratch / path.name).replace(path)
        return PoseSequence.from_bytes(path.read_bytes())

    def _pose_bytes(self, key: str, make: Callable[[], PoseSequence]) -> bytes:
        kept = None if self._elsewhere is None else self._elsewhere.get(key)
        if kept is not None:
            return kept
        made = make().to_bytes()
        if self._elsewhere is not None:
            self._elsewhere.put(key, made)
        return made

    def footage(self, key: str, make: Callable[[], SubjectFootage]) -> SubjectFootage:
        """The footage of this key, made where it is not kept.

        Its frames stay on the disk, and what is written into them stays in memory.
        """
        folder = self._folder / key
        if not folder.is_dir():
            made = make()
            with self._beside() as scratch:
                _write(made, scratch)
                # Another process may have been quicker; what it made is the same.
                with suppress(OSError):
                    scratch.rename(folder)
        return _read(folder)

    @contextmanager
    def _beside(self) -> Iterator[Path]:
        """A folder to write into, on the file system of what is kept."""
        self._folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=self._folder))
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _write(footage: SubjectFootage, folder: Path) -> None:
    np.save(folder / "rgb.npy", footage.rgb_NHW3)
    np.save(folder / "matte.npy", footage.matte_NHW)
    np.save(folder / "background.npy", footage.background_HW3)
    np.save(folder / "clip_starts.npy", np.array(footage.clip_starts))
    (folder / "poses.npz").write_bytes(footage.poses.to_bytes())


def _read(folder: Path) -> SubjectFootage:
    return SubjectFootage(
        rgb_NHW3=np.load(folder / "rgb.npy", mmap_mode="c"),
        poses=PoseSequence.from_bytes((folder / "poses.npz").read_bytes()),
        matte_NHW=np.load(folder / "matte.npy", mmap_mode="c"),
        background_HW3=np.load(folder / "background.npy"),
        clip_starts=tuple(int(start) for start in np.load(folder / "clip_starts.npy")),
    )
