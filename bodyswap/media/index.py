"""What a clip holds, frame by frame, before any of it is used.

It does not know why it is read. Every packet is looked at once; the first and the last frame are
decoded, so that a damaged file is refused here and not in the middle of a render.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from bodyswap.errors import PlateError
from bodyswap.media.colour import ColourTags
from bodyswap.timing import FrameRange, Timeline

__all__ = ["ClipIndex", "VideoFrame", "index_clip", "open_clip"]

CODECS_READ = frozenset(
    {"h264", "hevc", "mpeg4", "mpeg2video", "mjpeg", "prores", "dnxhd", "ffv1", "vp8", "vp9",
     "av1", "libdav1d", "rawvideo", "qtrle", "png", "huffyuv", "ffvhuff", "utvideo", "cfhd",
     "dvvideo", "msmpeg4v3", "msmpeg4v2", "wmv2", "wmv3", "vc1", "h263", "theora"}
)  # fmt: skip
_UNTIMED_CONTAINERS = frozenset({"avi"})
LARGEST_PIXELS = 8192 * 8192


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
    has_audio: bool
    has_frame_times: bool
    """False where the container tells times but not whose they are: frames go by their order."""

    def __len__(self) -> int:
        return len(self.timeline)

    @property
    def frames(self) -> FrameRange:
        """All of them."""
        return FrameRange(start=0, stop=len(self.timeline))


def index_clip(path: Path) -> ClipIndex:
    """Index the clip at `path`.

    Raises:
        PlateError: it is not there, not a video, empty, truncated, or of a codec not read here.
    """
    with open_clip(path) as (container, stream):
        pts = _presentation_times(container, stream, path)
        if stream.time_base is None:
            raise PlateError(f"{path} has no time base; rewrap it with `ffmpeg -i`")
        first, last = _end_frames(container, stream, pts, path)
        turns = _quarter_turns(first.rotation, path)
        width, height = (last.width, last.height) if turns % 2 == 0 else (last.height, last.width)
        return ClipIndex(
            path=path,
            width=width,
            height=height,
            timeline=Timeline(pts=pts, time_base=stream.time_base, rate=_rate(stream, pts)),
            codec=stream.codec_context.name,
            colour=ColourTags.of_frame(first),
            quarter_turns=turns,
            has_audio=bool(container.streams.audio),
            has_frame_times=container.format.name not in _UNTIMED_CONTAINERS,
        )


@contextmanager
def open_clip(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The clip's container and video stream, opened as a local file and nothing else.

    Raises:
        PlateError: it cannot be opened as a video; also for errors of the codec inside the block.
    """
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "does not exist"
        raise PlateError(f"{path} {kind}; give a video file")
    try:
        options = {"protocol_whitelist": "file"}
        with av.open(f"file:{path}", options=options, metadata_errors="replace") as container:
            yield container, _video_stream(container, path)
    except av.FFmpegError as error:
        raise PlateError(
            f"{path} cannot be read as video: {error.strerror}; it may be damaged or cut short"
        ) from error


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    if not container.streams.video:
        raise PlateError(f"{path} has no picture, only {len(container.streams)} other stream(s)")
    stream = container.streams.video[0]
    context = stream.codec_context
    if context is None or context.name not in CODECS_READ:
        name = context.name if context else "unknown"
        raise PlateError(f"{path} is coded as {name}, which is not read; convert it to h264")
    if context.width * context.height > LARGEST_PIXELS:
        raise PlateError(f"{path} is {context.width}x{context.height}, beyond 8192x8192 pixels")
    context.options = {**context.options, "max_pixels": str(LARGEST_PIXELS)}
    stream.thread_type = "AUTO"
    return stream


def _presentation_times(
    container: InputContainer, stream: VideoStream, path: Path
) -> tuple[int, ...]:
    pts = [
        packet.pts
        for packet in container.demux(stream)
        if packet.size > 0 and packet.pts is not None and not packet.is_discard
    ]
    if not pts:
        raise PlateError(f"{path} holds no frames; it may be an interrupted recording")
    if stream.frames > len(pts) + 2:  # the header's count; edit lists may hide a frame or two
        raise PlateError(
            f"{path} is truncated: {len(pts)} of {stream.frames} frames are there; copy it again"
        )
    return tuple(sorted(set(pts)))


def _end_frames(
    container: InputContainer, stream: VideoStream, pts: tuple[int, ...], path: Path
) -> tuple[VideoFrame, VideoFrame]:
    """The first and the last frame, decoded."""
    container.seek(pts[0], stream=stream, backward=True)
    first = next(container.decode(stream), None)
    container.seek(pts[-1], stream=stream, backward=True)
    last = next(iter(deque(container.decode(stream), maxlen=1)), None)
    is_timed = container.format.name not in _UNTIMED_CONTAINERS
    if first is None or last is None or last.is_corrupt or (is_timed and last.pts != pts[-1]):
        raise PlateError(
            f"{path} is truncated or damaged: its last frame, {len(pts)}, does not decode; "
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
