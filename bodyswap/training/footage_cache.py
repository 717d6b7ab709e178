"""Keeps poses and prepared footage between runs, so that a resumed training looks at no clip again.

It does not know how either is made. Everything is kept by its content: of the footage, and of the
settings that it was prepared with.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from bodyswap.config import RenderSettings
from bodyswap.people import PoseSequence
from bodyswap.timing import FrameRange
from bodyswap.training.footage import SubjectFootage

_FORMAT = 1


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


class FootageCache:
    """What was prepared, in a folder that can be removed at any time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def poses(self, key: str, make: Callable[[], PoseSequence]) -> PoseSequence:
        """The poses of this key, made where they are not kept."""
        path = self._folder / f"{key}.npz"
        if not path.is_file():
            self._folder.mkdir(parents=True, exist_ok=True)
            scratch = path.with_suffix(".partial")
            scratch.write_bytes(make().to_bytes())
            scratch.replace(path)
        return PoseSequence.from_bytes(path.read_bytes())

    def footage(self, key: str, make: Callable[[], SubjectFootage]) -> SubjectFootage:
        """The footage of this key, made where it is not kept.

        Its frames stay on the disk, and what is written into them stays in memory.
        """
        folder = self._folder / key
        if not folder.is_dir():
            scratch = self._folder / f"{key}.partial"
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(parents=True)
            _write(make(), scratch)
            scratch.rename(folder)
        return _read(folder)


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
