"""A shot on one page, or as a film to review: frames under their names, the plate beside them.

It does not know how the shot was made. Shape letters: H rows, W columns, 3 = red, green, blue.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from bodyswap.decode import picture_at, pictures_of
from bodyswap.encode import CODECS, encode
from bodyswap.errors import UsageError
from bodyswap.frames import RGB
from bodyswap.media.index import ClipIndex
from bodyswap.quality.comparison import Column, compare_rows, write_picture
from bodyswap.quality.sheet import fitted
from bodyswap.quality.slate import PAGE_PX, FrameNames, burn_in, contact_sheet, draw_slate
from bodyswap.timing import FrameRange, Timeline

_LEAST_PX = 32
_MOVIE_PX = 540


@dataclass(frozen=True, kw_only=True)
class Look:
    """A shot, and the plate that it lines up with; `frames` are the plate's that the shot shows.

    Without a plate they are the shot's own.
    """

    shot: ClipIndex
    plate: ClipIndex | None
    frames: FrameRange

    @property
    def names(self) -> FrameNames:
        """What its frames are called: as the plate has it, where there is one."""
        named = self.plate or self.shot
        start = named.custody.timecode
        return FrameNames(
            first_number=named.first_number + self.frames.start,
            first_timecode=None if start is None else start + self.frames.start,
        )

    def rows(self, height_px: int) -> Iterator[RGB]:
        """Each frame: the shot's, or plate and shot side by side."""
        part = self.frames if self.plate is None else self.shot.frames
        render = Column(caption="render", pictures=pictures_of(self.shot, part))
        if self.plate is None:
            yield from render.pictures
            return
        plate = Column(caption="plate", pictures=pictures_of(self.plate, self.frames))
        yield from compare_rows([plate, render], height=height_px)


def look_at(shot: ClipIndex, plate: ClipIndex | None, frames: FrameRange | None) -> Look:
    """The shot beside the plate's `frames`; None where their numbers or lengths tell which.

    Raises:
        UsageError: the shot shows another number of frames.
    """
    if plate is None:
        return Look(shot=shot, plate=None, frames=frames or shot.frames)
    if frames is None and shot.files and plate.files:
        start = shot.first_number - plate.first_number
        if start >= 0 and start + len(shot) <= len(plate):
            frames = FrameRange(start=start, stop=start + len(shot))
    part = frames or plate.frames
    if len(part) != len(shot):
        raise UsageError(
            f"{shot.path.name} has {len(shot)} frames, and {part} of {plate.path.name} are"
            f" {len(part)}; name the plate's frames by --frames"
        )
    return Look(shot=shot, plate=plate, frames=part)


def write_contact_sheet(look: Look, path: Path, *, columns: int, rows: int) -> None:
    """Write frames of the whole shot, evenly spread and named, as one PNG."""
    columns = min(columns, len(look.frames))
    # As large as they are shown, so that captions can be read.
    shapes = sum(clip.width / clip.height for clip in (look.shot, look.plate) if clip)
    height_px = max(_LEAST_PX, round(PAGE_PX / columns / shapes))
    pictures = look.rows(height_px)
    sheet = contact_sheet(pictures, len(look.frames), look.names, columns=columns, rows=rows)
    write_picture(sheet, path)


def write_review(look: Look, path: Path) -> None:
    """Write an MP4: a slate for one frame, then every frame with its name burnt in."""
    pictures = burn_in(look.rows(_MOVIE_PX), look.names)
    first = next(pictures)
    height, width = (side - side % 2 for side in first.shape[:2])
    slate, _ = fitted(_slate(look), width, height)
    timeline = _with_slate((look.plate or look.shot).timeline.cut(look.frames))
    shown = (picture[:height, :width] for picture in chain([first], pictures))
    encode(
        chain([slate], shown), path,
        timeline=timeline, frames=FrameRange(start=0, stop=len(timeline)), codec=CODECS["h264"],
    )  # fmt: skip


def _with_slate(timeline: Timeline) -> Timeline:
    """The clock with a frame before the first."""
    step = max(1, round(1 / (timeline.rate * timeline.time_base)))
    shown = timeline.starting_at(step)
    return Timeline(pts=(0, *shown.pts), time_base=shown.time_base, rate=shown.rate)


def _slate(look: Look) -> RGB:
    shot, plate = look.shot, look.plate
    names, last = look.names, len(look.frames) - 1
    rate = shot.timeline.rate
    code = names.first_timecode
    facts = [
        *([("plate", plate.path.name)] if plate else []),
        ("frames", f"{names.first_number}-{names.first_number + last} ({last + 1})"),
        ("rate", f"{rate} = {float(rate):.3f}" if rate.denominator > 1 else str(rate)),
        *([("timecode", f"{code} - {code + last}")] if code else []),
        *([("reel", shot.custody.reel)] if shot.custody.reel else []),
        ("size", f"{shot.width}x{shot.height}"),
        ("codec", shot.codec),
    ]
    start = look.frames.start if plate is None else 0
    three = [picture_at(shot, start + index) for index in (0, last // 2, last)]
    return draw_slate(shot.path.stem, facts, three)
