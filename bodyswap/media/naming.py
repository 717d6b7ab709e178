"""Names of deliveries: `SHOT_0010_comp_v003.1001.exr`, where no version is ever written over.

It does not know what is delivered. A version is a folder of its own, and making it claims it.
"""

import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bodyswap.errors import UsageError
from bodyswap.media.frame_list import LIST_SUFFIX, VIDEO_LIST, FrameList

WORK = ".work"
"""Where shots are fetched to before they have their names, under the folder of deliveries."""

_STEM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_PLAIN = "shot"
"""What the farm calls a delivery before it has a name."""
_MOST_RACES = 100


def check_stem(stem: str) -> None:
    """Refuse what is no name for a shot. Raises UsageError."""
    if not _STEM.fullmatch(stem):
        raise UsageError(
            f"'{stem}' cannot name a delivery; use letters, digits, _ and -, like SHOT_0010_comp"
        )


def versioned(stem: str, version: int) -> str:
    return f"{stem}_v{version:03d}"


def latest_version(folder: Path, stem: str) -> int:
    """The highest version that `folder` holds of the delivery, as a file or a folder; 0 if none."""
    pattern = re.compile(re.escape(stem) + r"_v(\d+)(?:\..*)?")
    found = (pattern.fullmatch(path.name) for path in folder.glob(f"{stem}_v*"))
    return max((int(match[1]) for match in found if match), default=0)


def claim_version(folder: Path, stem: str) -> Path:
    """A new, empty folder for the next version, which nobody else was given.

    Raises:
        UsageError: `stem` is no name.
    """
    check_stem(stem)
    folder.mkdir(parents=True, exist_ok=True)
    for _ in range(_MOST_RACES):
        claimed = folder / versioned(stem, latest_version(folder, stem) + 1)
        try:
            claimed.mkdir()
        except FileExistsError:
            continue
        return claimed
    raise UsageError(f"{folder} gets versions of {stem} faster than one can be claimed; try again")


def deliver_as(files: Sequence[Path], folder: Path, stem: str) -> tuple[Path, ...]:
    """Copy a job's fetched files under the next version's names.

    `shot.1001.exr` becomes `SHOT_0010_comp_v003.1001.exr`, and what is about the shot, such as
    `manifest.json`, `SHOT_0010_comp_v003.manifest.json`.

    Raises:
        UsageError: `stem` is no name.
    """
    claimed = claim_version(folder, stem)
    made = []
    for path in files:
        target = claimed / _named(path.name, claimed.name)
        if path.name in (f"{_PLAIN}{LIST_SUFFIX}", VIDEO_LIST):
            _renamed(FrameList.read(path), claimed.name).write(target)
        else:
            shutil.copyfile(path, target)
        made.append(target)
    return tuple(made)


def _named(name: str, version: str) -> str:
    first, _, rest = name.partition(".")
    return f"{version}.{rest if first == _PLAIN else name}"


def _renamed(listed: FrameList, version: str) -> FrameList:
    """The list, of the files as they are called now."""
    return FrameList(
        frames=tuple(replace(frame, name=_named(frame.name, version)) for frame in listed.frames)
    )
