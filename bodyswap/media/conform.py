"""Cut lists in, one shot a clip; and out again, with plate and render side by side.

It does not know who renders the shots. EDL, FCPXML, Final Cut XML and OTIO, by OpenTimelineIO.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio

from bodyswap.errors import PlateError, UsageError
from bodyswap.media.index import ClipIndex
from bodyswap.media.sequence import SUFFIXES, padding_of, prefix_of, stem_of
from bodyswap.timing import FrameRange

PLATE, RENDER = "plate", "render"
_KINDS = {".edl": "cmx_3600", ".fcpxml": "fcpx_xml", ".xml": "fcp_xml", ".otio": "otio_json"}
_LIKE_RATES = 0.01
"""Cut lists write 23.98 for 24000/1001; 23.976 and 24 are still told apart."""


@dataclass(frozen=True, kw_only=True)
class CutShot:
    """A clip of the cut, found in its plate. `frames` has handles, `cut` is what the edit shows.

    Fewer handles than asked for are where the plate begins or ends.
    """

    name: str
    plate: Path
    frames: FrameRange
    cut: FrameRange


class CutList:
    """An edit, as it was read."""

    def __init__(self, timeline: otio.schema.Timeline) -> None:
        self._timeline = timeline
        self._clips = _shown_clips(timeline)

    @classmethod
    def read(cls, path: Path, rate: Fraction) -> "CutList":
        """The edit in the file at `path`; an EDL does not say its `rate`.

        Raises:
            UsageError: it cannot be read, or shows nothing.
        """
        kind = _KINDS.get(path.suffix.lower())
        if kind is None:
            known = ", ".join(_KINDS)
            raise UsageError(f"{path} is no cut list; give one of {known}")
        words = {"rate": float(rate)} if kind == "cmx_3600" else {}
        try:
            read = otio.adapters.read_from_file(str(path), kind, **words)
        # Adapters let out whatever their parsers raise.
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UsageError(f"{path} cannot be read as a cut list: {reason}") from error
        cut = cls(_first_timeline(read, path))
        if not cut._clips:
            raise UsageError(f"{path} shows no clip of any video track")
        return cut

    def __len__(self) -> int:
        return len(self._clips)

    def shots(
        self, plates: Sequence[ClipIndex], *, handles: int, prefix: str = "SHOT"
    ) -> tuple[CutShot, ...]:
        """Each clip's frames in its plate, in the order of the cut, numbered by tens.

        Raises:
            PlateError: a clip is of no plate, or of frames that its plate does not have.
        """
        return tuple(
            _found(clip, plates, handles, f"{prefix}_{10 * place:04d}")
            for place, clip in enumerate(self._clips, start=1)
        )

    def write(
        self,
        path: Path,
        shots: Sequence[CutShot],
        plates: Mapping[Path, ClipIndex],
        renders: Mapping[str, Path],
    ) -> None:
        """Write the same edit to an .otio, each clip with its plate and, by shot name, its render.

        Renders are shown; a clip without one shows its plate.
        """
        edit = self._timeline.clone()
        for clip, shot in zip(_shown_clips(edit), shots, strict=True):
            plate = plates[shot.plate]
            references = {PLATE: _reference(plate.path, plate, plate.frames)}
            if shot.name in renders:
                references[RENDER] = _reference(renders[shot.name], plate, shot.frames)
            clip.set_media_references(references, RENDER if RENDER in references else PLATE)
            clip.metadata["bodyswap"] = {"shot": shot.name, "frames": str(shot.frames)}
        otio.adapters.write_to_file(edit, str(path), "otio_json")


def _shown_clips(timeline: otio.schema.Timeline) -> list[otio.schema.Clip]:
    return [
        clip
        for track in timeline.video_tracks()
        for clip in track.find_clips()
        if clip.source_range is not None or clip.media_reference.available_range is not None
    ]


def _first_timeline(read: otio.core.SerializableObject, path: Path) -> otio.schema.Timeline:
    if isinstance(read, otio.schema.Timeline):
        return read
    collections = (otio.schema.SerializableCollection, otio.core.Composition)
    is_some = isinstance(read, collections)
    found = read.find_children(descended_from_type=otio.schema.Timeline) if is_some else []
    if not found:
        raise UsageError(f"{path} holds no timeline; export the edit, and give that file")
    timeline: otio.schema.Timeline = found[0]
    return timeline


def _found(clip: otio.schema.Clip, plates: Sequence[ClipIndex], handles: int, name: str) -> CutShot:
    plate = _plate_of(clip, plates)
    shown = clip.visible_range()
    if abs(shown.duration.rate - float(plate.timeline.rate)) > _LIKE_RATES:
        raise PlateError(
            f"clip '{clip.name}' is cut at {shown.duration.rate:.3f} frames a second, and"
            f" {plate.path.name} runs at {float(plate.timeline.rate):.3f}; conform one to the other"
        )
    first = _first_index(clip, shown, plate)
    cut = (first, first + round(shown.duration.value))
    if cut[0] < 0 or cut[1] > len(plate) or cut[0] >= cut[1]:
        last = cut[1] - 1
        raise PlateError(
            f"clip '{clip.name}' shows frames {cut[0]} to {last} of {plate.path.name}, counted from"
            f" 0, which has {len(plate)}; is it the right plate, and its timecode?"
        )
    return CutShot(
        name=name,
        plate=plate.path,
        frames=FrameRange(start=max(0, cut[0] - handles), stop=min(len(plate), cut[1] + handles)),
        cut=FrameRange(start=cut[0], stop=cut[1]),
    )


def _first_index(clip: otio.schema.Clip, shown: otio.opentime.TimeRange, plate: ClipIndex) -> int:
    """Where the clip begins in its plate: by timecode, else by what the cut says is there."""
    start: int = round(shown.start_time.value)
    if plate.custody.timecode is not None:
        return start - plate.custody.timecode.frame
    there = clip.media_reference.available_range
    if there is not None:
        offset: int = round(there.start_time.value)
        return start - offset
    return start - plate.first_number if plate.files and start >= plate.first_number else start


def _plate_of(clip: otio.schema.Clip, plates: Sequence[ClipIndex]) -> ClipIndex:
    """By the file's name, the clip's, then the reel's; a cut list may have any of them."""
    names = _names(clip)
    for told in names:
        found = [plate for plate in plates if _is_called(plate, told)]
        if found:
            return found[0]
    found = [plate for plate in plates if plate.custody.reel and plate.custody.reel in names]
    if found:
        return found[0]
    raise PlateError(f"no plate is called {' or '.join(names)}; give the folder that holds it")


def _is_called(plate: ClipIndex, told: str) -> bool:
    if not plate.files:
        return told in (plate.path.name, plate.path.stem)
    return stem_of(told) == stem_of(plate.path.name)


def _names(clip: otio.schema.Clip) -> list[str]:
    media = clip.media_reference
    url = getattr(media, "target_url", "") or getattr(media, "name_prefix", "")
    reel = clip.metadata.get("cmx_3600", {}).get("reel", "")
    names = (Path(url.removeprefix("file://")).name, clip.name, clip.media_reference.name, reel)
    return list(dict.fromkeys(str(name) for name in names if name))


def _reference(path: Path, plate: ClipIndex, frames: FrameRange) -> otio.core.MediaReference:
    """The file, or the sequence of files, that shows these frames of the plate."""
    start = plate.custody.timecode
    rate = float(plate.timeline.rate)
    first = frames.start if start is None else (start + frames.start).frame
    there = otio.opentime.TimeRange(
        otio.opentime.RationalTime(first, rate), otio.opentime.RationalTime(len(frames), rate)
    )
    if path.suffix.lower() not in SUFFIXES or path.is_file():
        return otio.schema.ExternalReference(target_url=path.as_posix(), available_range=there)
    return otio.schema.ImageSequenceReference(
        target_url_base=f"{path.parent.as_posix()}/",
        name_prefix=prefix_of(path.name),
        name_suffix=path.suffix,
        start_frame=plate.first_number + frames.start,
        frame_zero_padding=padding_of(plate.files[0]) if path == plate.path else 4,
        rate=rate,
        available_range=there,
    )
