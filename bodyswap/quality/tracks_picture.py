"""Everyone in a shot with their ids, as one picture to choose the performer by.

Frames from all over the shot, each person boxed in their id's colour, above a strip that tells in
which frames each id is there. It does not know how people were tracked.
Shape letters: N frames, K joints, 4 = a box x0, y0, x1, y1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bodyswap.frames import RGB
from bodyswap.people import Presence
from bodyswap.quality import sheet
from bodyswap.skeleton import Floats, Skeleton
from bodyswap.timing import FIRST_FRAME_NUMBER, FrameRange

MOST_PANELS = 12
MOST_ROWS = 24

_LABEL_PX, _FACTS_PX = 150, 210
_SHARES = {Presence.ABSENT: 0.0, Presence.INTERPOLATED: 0.4, Presence.PRESENT: 1.0}


@dataclass(frozen=True, kw_only=True)
class PersonSeen:
    """One person in one frame, in the frame's pixels."""

    id: int
    box_4: Floats
    keypoints_K2: Floats
    confidence_K: Floats


@dataclass(frozen=True, kw_only=True)
class FrameSeen:
    """A frame, by the plate's index, and everyone seen in it."""

    index: int
    rgb_HW3: RGB
    people: tuple[PersonSeen, ...]


@dataclass(frozen=True, kw_only=True)
class TrackRow:
    """One id over the shot: its `Presence` in every frame, and a word about it."""

    id: int
    presence_N: npt.NDArray[np.int8]
    facts: str
    is_performer: bool


def choose_frames(
    rows: Sequence[TrackRow], frames: FrameRange, most: int = MOST_PANELS
) -> list[int]:
    """Frame indices spread over the shot, in order, such that each id of `rows` is in one.

    Ids come first: with more of them than panels, the sheet grows rather than leaves one out.
    """
    spread = np.linspace(0, len(frames) - 1, min(most, len(frames))).round().astype(int)
    picked = set(spread.tolist())
    needed: set[int] = set()
    for row in rows:
        seen = np.flatnonzero(row.presence_N == Presence.PRESENT)
        if seen.size and not picked & set(seen.tolist()):
            needed.add(int(seen[len(seen) // 2]))
            picked.add(int(seen[len(seen) // 2]))
    if len(picked) > most:
        picked = _thinned(picked, needed, rows, most)
    return sorted(frames.start + offset for offset in picked)


def draw_tracks(
    seen: Sequence[FrameSeen], rows: Sequence[TrackRow], frames: FrameRange, skeleton: Skeleton,
    *, first_number: int = FIRST_FRAME_NUMBER,
) -> RGB:  # fmt: skip
    """The whole picture."""
    height, width = seen[0].rgb_HW3.shape[:2]
    columns = 4 if width >= height else 6
    wide = (sheet.WIDTH_PX + 6) // columns - 6
    performers = {row.id for row in rows if row.is_performer}
    panels = [
        _panel(frame, skeleton, wide, performers, frame.index + first_number) for frame in seen
    ]
    parts = [sheet.tiled(panels, columns)]
    if rows:
        parts.append(_strip(rows, frames, [frame.index for frame in seen], first_number))
    return sheet.stacked(parts)


def _thinned(picked: set[int], needed: set[int], rows: Sequence[TrackRow], most: int) -> set[int]:
    """Without the frames that no id would miss, down to `most` where that can be."""
    kept = set(picked)
    for offset in sorted(picked - needed, key=lambda one: (one % 2, one)):
        if len(kept) <= most:
            break
        rest = kept - {offset}
        if all(_is_shown(row, rest) or not _is_shown(row, kept) for row in rows):
            kept = rest
    return kept


def _is_shown(row: TrackRow, offsets: set[int]) -> bool:
    return any(row.presence_N[offset] == Presence.PRESENT for offset in offsets)


def _panel(
    frame: FrameSeen, skeleton: Skeleton, wide: int, performers: set[int], number: int
) -> RGB:
    rows, columns = frame.rgb_HW3.shape[:2]
    picture, scale = sheet.fitted(frame.rgb_HW3, wide, round(rows * wide / columns))
    tags: list[tuple[tuple[float, float], str, sheet.Colour]] = []
    for person in frame.people:
        colour = sheet.colour_of(person.id)
        sheet.draw_limbs(
            picture, person.keypoints_K2 * scale, person.confidence_K, skeleton, colour
        )
        x0, y0, x1, y1 = (round(float(value) * scale) for value in person.box_4)
        cv2.rectangle(picture, (x0, y0), (x1, y1), colour, 2)
        text = f"{person.id} performer" if person.id in performers else str(person.id)
        x, y = int(np.clip(x0, 0, wide - 20)), max(0, y0 - 18)
        cv2.rectangle(picture, (x, y), (x + sheet.text_width(text) + 8, y + 18), colour, -1)
        tags.append(((x + 4, y), text, (0, 0, 0)))
    caption = sheet.blank(sheet.LINE_PX, wide)
    nobody = "" if frame.people else "   nobody seen"
    caption = sheet.lettered(caption, [((6, 4), f"frame {number}{nobody}", sheet.INK)])
    return np.concatenate([caption, sheet.lettered(picture, tags)])


def _strip(
    rows: Sequence[TrackRow], frames: FrameRange, shown: Sequence[int], first_number: int
) -> RGB:
    """One line an id over the frames' axis; bright present, dim interpolated, dark absent."""
    drawn = rows[:MOST_ROWS]
    height = sheet.LINE_PX * (len(drawn) + 3)
    strip = sheet.blank(height)
    room = sheet.WIDTH_PX - _LABEL_PX - _FACTS_PX
    x_W = np.minimum((np.arange(room) * len(frames)) // room, len(frames) - 1)
    texts = _axis(frames, room, shown, strip, first_number)
    for number, row in enumerate(drawn, start=1):
        y, colour = sheet.LINE_PX * number + 4, sheet.colour_of(row.id)
        shades = np.array([sheet.faded(colour, _SHARES[level]) for level in Presence], np.uint8)
        shades[Presence.ABSENT] = sheet.RULED
        strip[y : y + sheet.LINE_PX - 6, _LABEL_PX : _LABEL_PX + room] = shades[row.presence_N[x_W]]
        name = f"{row.id}  performer" if row.is_performer else str(row.id)
        texts.append(((8, y), name, colour))
        texts.append(((_LABEL_PX + room + 26, y), row.facts, sheet.INK))
        if row.is_performer:
            corner = _LABEL_PX + room - 1, y + sheet.LINE_PX - 7
            cv2.rectangle(strip, (_LABEL_PX, y), corner, sheet.INK, 1)
    legend = "id: bright seen, dim interpolated, dark absent; choose with --performer ID"
    if len(rows) > len(drawn):
        legend += f"; {len(rows) - len(drawn)} shorter tracks are only in pose-report.json"
    texts.append(((_LABEL_PX, height - sheet.LINE_PX - 8), legend, sheet.FAINT_INK))
    return sheet.lettered(strip, texts)


def _axis(
    frames: FrameRange, room: int, shown: Sequence[int], strip: RGB, first_number: int
) -> list[tuple[tuple[float, float], str, sheet.Colour]]:
    """Frame numbers over the strip, and a tick above it for every frame shown."""
    for index in shown:
        x = _LABEL_PX + round((index - frames.start + 0.5) * room / len(frames))
        strip[sheet.LINE_PX - 4 : sheet.LINE_PX + 2, x - 1 : x + 1] = sheet.INK
    texts: list[tuple[tuple[float, float], str, sheet.Colour]] = [((8, 2), "id", sheet.FAINT_INK)]
    for offset in np.unique(np.linspace(0, len(frames) - 1, 7).round().astype(int)).tolist():
        text = str(frames.start + offset + first_number)
        x = _LABEL_PX + (offset + 0.5) * room / len(frames) - sheet.text_width(text) / 2
        texts.append(((x, 2), text, sheet.FAINT_INK))
    texts.append(((_LABEL_PX + room + 26, 2), "seen, sure, size", sheet.FAINT_INK))
    return texts
