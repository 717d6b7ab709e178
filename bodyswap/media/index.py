"""What a clip holds, frame by frame, before any of it is used.

It does not know why it is read. Every packet is looked at once; the first and the last frame are
decoded, so that a damaged file is refused here and not in the middle of a render.
"""

import re
from collections import deque
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import msgspec
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from bodyswap.config import ColourSettings, RenderSettings
from bodyswap.errors import BodyswapError, PlateError, UsageError
from bodyswap.media.colour import SRGB, ColourTags
from bodyswap.media.custody import Custody, read_custody
from bodyswap.media.frame_archive import ARCHIVE_SUFFIX, unpack_sequence
from bodyswap.media.opening import open_clip
from bodyswap.media.seek import frames_from, frames_in_order
from bodyswap.media.sequence import (
    SUFFIXES,
    bits_of,
    clock,
    find_files,
    hdr_of,
    in_order,
    is_sequence,
    label_of,
    size_of,
    working_of,
)
from bodyswap.media.streamed import StreamedPath
from bodyswap.media.working import Working
from bodyswap.timecode import Timecode
from bodyswap.timing import FIRST_FRAME_NUMBER, FrameRange, Timeline, parse_frame_range, parse_rate

_UNTIMED_CONTAINERS = frozenset({"avi"})
_SLACK_FRAMES = Fraction(3, 2)
"""How far a header's duration may be beyond the last frame before frames are missing."""


@dataclass(frozen=True, kw_only=True)
class ClipIndex:
    """A clip: its frames' times, its size as displayed, and its colour."""

    path: Path
    width: int
    height: int
    timeline: Timeline
    codec: str
    colour: ColourTags
    quarter_turns: int
    has_frame_times: bool
    """False where the container tells times but not whose they are: frames go by their order."""
    custody: Custody
    files: tuple[Path, ...] = ()
    """Of an image sequence, each frame's file."""
    first_number: int = FIRST_FRAME_NUMBER
    """What people call its first frame: a sequence's files say, nothing else does."""
    has_rate: bool = True
    """False where nothing tells how fast its frames follow one another: a default stands in."""
    bits: int = 8
    """Of each value, as it is coded; floats count as 16."""
    working: Working = field(default_factory=Working)
    """What its values are, by its own tags or as the settings have it."""

    def __len__(self) -> int:
        return len(self.timeline)

    @property
    def frames(self) -> FrameRange:
        """All of them."""
        return FrameRange(start=0, stop=len(self.timeline))

    def range_of(self, text: str) -> FrameRange:
        """The frames that people's numbers, such as "1001-1040", mean. Raises UsageError."""
        return parse_frame_range(text, len(self), self.first_number)


def index_clip(path: Path) -> ClipIndex:
    """Index the clip at `path`.

    Raises:
        PlateError: it is not there, not a video, empty, truncated, or of a codec not read here.
    """
    if isinstance(path, StreamedPath) and path.index:
        return replace(index_from_bytes(path.index), path=path)
    if is_sequence(path):
        return _index_sequence(path, *find_files(path))
    if path.suffix.lower() == ARCHIVE_SUFFIX and path.is_file():
        return _index_sequence(path, *in_order(unpack_sequence(path)))
    if path.suffix.lower() in SUFFIXES and path.is_file():
        return _index_sequence(path, FIRST_FRAME_NUMBER, (path,))
    with open_clip(path) as (container, stream):
        pts = _presentation_times(container, stream, path)
        if stream.time_base is None:
            raise PlateError(f"{path} has no time base; rewrap it with `ffmpeg -i`")
        timeline = Timeline(pts=pts, time_base=stream.time_base, rate=_rate(stream, pts))
        _check_length(container, stream, timeline, path)
        is_timed = container.format.name not in _UNTIMED_CONTAINERS
        codec = stream.codec_context.name
        first, last = _end_frames(path, pts, is_timed=is_timed)
        custody = read_custody(container, stream, first, timeline.rate)
    turns, colour = _quarter_turns(first.rotation, path), ColourTags.of_frame(first)
    width, height = (last.width, last.height) if turns % 2 == 0 else (last.height, last.width)
    return ClipIndex(
        path=path,
        width=width,
        height=height,
        timeline=timeline,
        codec=codec,
        colour=colour,
        quarter_turns=turns,
        has_frame_times=is_timed,
        custody=custody,
        bits=first.format.components[0].bits,
        working=Working.of_tags(colour),
    )


def in_colour(clip: ClipIndex, settings: ColourSettings) -> ClipIndex:
    """The clip, its values as the settings have them.

    Raises:
        UsageError: the settings name a colour space that there is not.
        PlateError: nothing tells what the clip's values are.
    """
    return replace(clip, working=clip.working.chosen(settings))


def as_set(clip: ClipIndex, settings: RenderSettings) -> ClipIndex:
    """The clip, its values and its rate as the settings have them.

    Raises:
        UsageError: there is no such colour space, or the clip has a clock of its own.
        PlateError: nothing tells what the clip's values are.
    """
    clip = in_colour(clip, settings.colour)
    rate = parse_rate(settings.rate)
    if rate is None:
        return clip
    if not clip.files:
        raise UsageError(f"rate '{settings.rate}' is for frames; {clip.path} has its own times")
    custody = clip.custody
    if custody.timecode is not None:
        custody = replace(custody, timecode=Timecode.parse(str(custody.timecode), rate))
    return replace(clip, timeline=clock(len(clip), rate), custody=custody, has_rate=True)


def seen_as(shot: ClipIndex, plate: ClipIndex) -> ClipIndex:
    """A delivery of the plate's own pixels, looked at as the plate is."""
    if shot.bits <= 8:
        return shot
    working = plate.working
    if shot.codec == "exr":
        working = replace(shot.working, config=working.config, is_rendered=working.is_rendered)
    return replace(shot, working=working)


def index_to_bytes(clip: ClipIndex) -> bytes:
    """The index, to be kept beside a clip that is too large to be read through again."""
    return msgspec.json.encode(clip, enc_hook=str)


def index_from_bytes(data: bytes) -> ClipIndex:
    """What `index_to_bytes` kept. Raises PlateError where it is something else."""
    try:
        return msgspec.json.decode(data, type=ClipIndex, dec_hook=lambda kind, text: kind(text))
    except (msgspec.MsgspecError, ValueError, BodyswapError) as error:
        raise PlateError(f"the kept index of a plate is damaged: {error}") from error


def _index_sequence(pattern: Path, first_number: int, files: tuple[Path, ...]) -> ClipIndex:
    """Every file is there; the first and the last are read, as they are of a clip."""
    height, width = size_of(files[0])
    if (height, width) != size_of(files[-1]):
        raise PlateError(f"{files[0].name} and {files[-1].name} are not of one size")
    label = label_of(files[0])
    return ClipIndex(
        path=pattern,
        width=width,
        height=height,
        timeline=clock(len(files), label.rate),
        has_rate=label.has_rate or len(files) == 1,
        codec=files[0].suffix.lower().removeprefix("."),
        colour=SRGB,
        quarter_turns=0,
        has_frame_times=True,
        custody=Custody(timecode=label.timecode, reel=label.reel, hdr=hdr_of(files[0])),
        files=files,
        first_number=first_number,
        bits=bits_of(files[0]),
        working=working_of(files[0]),
    )


def _presentation_times(
    container: InputContainer, stream: VideoStream, path: Path
) -> tuple[int, ...]:
    promised = _promised_packets(container, stream)
    packets = [packet for packet in container.demux(stream) if packet.size > 0]
    if promised > len(packets):
        raise PlateError(
            f"{path} is truncated: {len(packets)} of {promised} frames are there; "
            "copy it again, or re-encode what is left of it"
        )
    # What an edit list hides is needed to decode the rest, and is never shown.
    shown = {packet.pts for packet in packets if packet.pts is not None and not packet.is_discard}
    if not shown:
        raise PlateError(f"{path} holds no frames; it may be an interrupted recording")
    return tuple(sorted(shown))


def _promised_packets(container: InputContainer, stream: VideoStream) -> int:
    """How many the header speaks of; 0 where it does not."""
    indexed = len(stream.index_entries)
    # A QuickTime header counts what was filmed; its index, only what an edit list leaves.
    return indexed if indexed and "mov" in container.format.name else stream.frames


def _check_length(
    container: InputContainer, stream: VideoStream, timeline: Timeline, path: Path
) -> None:
    """Matroska counts no frames, but says how long it is: refuse one that ends before."""
    if "matroska" not in container.format.name:
        return
    due_s = _tagged_duration(stream)
    if due_s is None and len(container.streams) == 1 and container.duration is not None:
        due_s = Fraction(container.duration, 1_000_000)
    ends_s = timeline.pts[-1] * timeline.time_base + 1 / timeline.rate
    if (
        due_s is not None
        and ends_s + _SLACK_FRAMES / timeline.rate < due_s
        and not timeline.is_variable_rate
    ):
        raise PlateError(
            f"{path} is truncated: its {len(timeline)} frames end at {float(ends_s):.2f} s of "
            f"{float(due_s):.2f} s; copy it again, or re-encode what is left of it"
        )


def _tagged_duration(stream: VideoStream) -> Fraction | None:
    match = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    if match is None:
        return None
    return int(match[1]) * 3600 + int(match[2]) * 60 + Fraction(match[3])


def _end_frames(
    path: Path, pts: tuple[int, ...], *, is_timed: bool
) -> tuple[VideoFrame, VideoFrame]:
    """The first and the last frame, decoded."""
    first = next(frames_in_order(path), None)
    tail = frames_from(path, pts[-1]) if is_timed else frames_in_order(path)
    last = next(iter(deque(tail, maxlen=1)), None)
    if first is None or last is None or last.is_corrupt or (is_timed and last.pts != pts[-1]):
        raise PlateError(
            f"{path} is truncated or damaged: the last of its {len(pts)} frames does not decode; "
            "copy it again, or re-encode what is left of it"
        )
    return first, last


def _quarter_turns(rotation: int, path: Path) -> int:
    if rotation % 90:
        raise PlateError(f"{path} is displayed turned by {rotation} degrees; rotate it upright")
    return rotation // 90 % 4


def _rate(stream: VideoStream, pts: tuple[int, ...]) -> Fraction:
    rate = stream.guessed_rate or stream.average_rate or stream.base_rate
    if rate:
        return Fraction(rate)
    assert stream.time_base is not None
    span = (pts[-1] - pts[0]) * stream.time_base
    return Fraction(len(pts) - 1) / span if span else Fraction(25)
