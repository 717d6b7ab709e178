"""Know a file again that says nothing of itself: by its watermark, else by how it looks.

It does not know jobs or logs: what is answered are payloads and prints, for whoever keeps those.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bodyswap.decode import picture_at, pictures_of
from bodyswap.errors import PlateError
from bodyswap.frames import RGB
from bodyswap.media.index import index_clip
from bodyswap.media.sequence import SUFFIXES, read_picture
from bodyswap.rights.mark import key_name
from bodyswap.rights.prints import print_of
from bodyswap.rights.watermark_reader import Found, detect, detect_in_what_moves
from bodyswap.timing import FrameRange

_SAMPLES = 24
_TOGETHER = 8
_DECODED_IN_A_ROW = 240
"""A clip of no more frames is decoded whole, which is quicker than to look for each sample."""
_MOST_IN_A_ROW = 100
_MOST_BYTES_IN_A_ROW = 600_000_000


@dataclass(frozen=True, kw_only=True)
class MarkSeen:
    """A watermark: its payload, the name of the key it is under, and how clearly it stood out."""

    payload: int
    key: str
    z: float
    scale: float


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """What some frames of a file show."""

    marks: tuple[MarkSeen, ...]
    prints: tuple[str, ...]


def recognise(file: Path, keys: Sequence[bytes]) -> Recognised:
    """The marks under any of `keys` in a video or a still picture, and prints of its frames.

    Raises:
        PlateError: it is neither, or cannot be read.
    """
    pictures = _pictures(file)
    if not pictures:
        raise PlateError(f"{file} holds no frames that could be looked at")
    marks = tuple(_marks(pictures, keys)) or tuple(_marks_of_people(file, keys))
    return Recognised(marks=marks, prints=tuple(print_of(each) for each in pictures))


def _marks(pictures: Sequence[RGB], keys: Sequence[bytes]) -> Iterator[MarkSeen]:
    """Of all frames together, and of a few at a time: in an edit each shot has its own mark."""
    count = len(pictures)
    groups = [pictures[start : start + _TOGETHER] for start in range(0, count, _TOGETHER)]
    told: set[int] = set()
    for key in dict.fromkeys(keys):
        for group in [pictures, *(groups if count > _TOGETHER else ())]:
            found = detect(group, key)
            if found is not None and found.payload not in told:
                told.add(found.payload)
                yield _seen(found, key)


def _marks_of_people(file: Path, keys: Sequence[bytes]) -> Iterator[MarkSeen]:
    """Where people were laid into a plate, only they are marked: many frames make up for it."""
    pictures = _in_a_row(file)
    for key in dict.fromkeys(keys):
        found = detect_in_what_moves(pictures, key)
        if found is not None:
            yield _seen(found, key)


def _seen(found: Found, key: bytes) -> MarkSeen:
    return MarkSeen(payload=found.payload, key=key_name(key), z=found.z, scale=found.scale)


def _in_a_row(file: Path) -> list[RGB]:
    """The middle of a clip, as many frames as memory bears; none of a still picture."""
    if file.suffix.lower() in SUFFIXES and file.is_file():
        return []
    clip = index_clip(file)
    most = min(_MOST_IN_A_ROW, _MOST_BYTES_IN_A_ROW // (3 * clip.width * clip.height))
    count = max(min(len(clip), most), 1)
    start = (len(clip) - count) // 2
    return list(pictures_of(clip, FrameRange(start=start, stop=start + count)))


def _pictures(file: Path) -> list[RGB]:
    if file.suffix.lower() in SUFFIXES and file.is_file():
        return [read_picture(file)]
    clip = index_clip(file)
    step = max(len(clip) // _SAMPLES, 1)
    if clip.files or len(clip) > _DECODED_IN_A_ROW:
        apart = islice(range(step // 2, len(clip), step), _SAMPLES)
        return [picture_at(clip, index) for index in apart]
    return list(islice(pictures_of(clip, clip.frames), step // 2, None, step))[:_SAMPLES]
