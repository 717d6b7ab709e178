"""Which frames of which clips are trained on, and which are held out.

It does not know what is done with them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bodyswap.errors import UsageError
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.timing import FrameRange

_HELD_OUT_SHARE = 10
"""One frame in so many, the last ones, is held out where nothing else is asked for."""
_RANGE = re.compile(r"\d+(-\d+)?")
_PART = re.compile(r"(?P<path>.+)@(?P<frames>\d+(?:-\d+)?)")


@dataclass(frozen=True, kw_only=True)
class FootagePart:
    """Frames of a clip that follow one another."""

    clip: ClipIndex
    frames: FrameRange


def choose_parts(
    footage: Sequence[str], hold_out: Sequence[str] = ()
) -> tuple[list[FootagePart], list[FootagePart]]:
    """What is trained on, and what is held out of it.

    A text of `footage` is a clip's path, or "clip.mp4@1001-1750" for a part of it; one of
    `hold_out` is such a part too, or a range alone where there is one clip; without any, the last
    tenth is held out. No frame held out is trained on, whatever `footage` says.

    Raises:
        UsageError: a text names frames that are not there, or nothing is left to train on.
        PlateError: a clip cannot be read.
    """
    chosen = [_split(text) for text in footage]
    clips = {path: index_clip(path) for path in dict.fromkeys(path for path, _ in chosen)}
    parts = [_part(clips[path], frames) for path, frames in chosen]
    held = [_held(text, clips) for text in hold_out] or _last_tenth(parts)
    for one in held:
        parts = [rest for part in parts for rest in _without(part, one)]
    if not parts:
        raise UsageError("every frame is held out, so none is left to train on; hold out fewer")
    return parts, held


def clips_of(texts: Sequence[str]) -> tuple[Path, ...]:
    """The files that these texts name, each once; a range alone names none."""
    paths = (_split(text)[0] for text in texts if not _RANGE.fullmatch(text) or Path(text).exists())
    return tuple(dict.fromkeys(paths))


def _split(text: str) -> tuple[Path, str | None]:
    match = _PART.fullmatch(text)
    if match is None or Path(text).exists():
        return Path(text), None
    return Path(match["path"]), match["frames"]


def _part(clip: ClipIndex, frames: str | None) -> FootagePart:
    chosen = clip.frames if frames is None else clip.range_of(frames)
    return FootagePart(clip=clip, frames=chosen)


def _held(text: str, clips: dict[Path, ClipIndex]) -> FootagePart:
    path, frames = _split(text)
    if frames is not None:
        return _part(clips.get(path) or index_clip(path), frames)
    if path in clips:
        return _part(clips[path], None)
    if len(clips) > 1:
        raise UsageError(f"hold-out '{text}' does not say of which clip; write clip.mp4@{text}")
    return _part(next(iter(clips.values())), text)


def _last_tenth(parts: Sequence[FootagePart]) -> list[FootagePart]:
    wanted = max(1, sum(len(part.frames) for part in parts) // _HELD_OUT_SHARE)
    held: list[FootagePart] = []
    for part in reversed(parts):
        first = max(part.frames.start, part.frames.stop - wanted)
        last = FrameRange(start=first, stop=part.frames.stop)
        held.insert(0, replace(part, frames=last))
        wanted -= len(last)
        if wanted == 0:
            break
    return held


def _without(part: FootagePart, held: FootagePart) -> list[FootagePart]:
    """What is left of a part on both sides of what is held out."""
    if part.clip.path.resolve() != held.clip.path.resolve():
        return [part]
    start, stop = part.frames.start, part.frames.stop
    before = (start, max(start, min(stop, held.frames.start)))
    after = (min(stop, max(start, held.frames.stop)), stop)
    return [
        replace(part, frames=FrameRange(start=first, stop=last))
        for first, last in (before, after)
        if first < last
    ]
