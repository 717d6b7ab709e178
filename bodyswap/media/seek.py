"""Reach any frame of a clip exactly, whatever its keyframes and container are like.

It does not know colour or ranges. A container's own seek may land too late: it goes by decoding
times, and the frames shown just before an open keyframe need the keyframe before that one.
"""

from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from bodyswap.media.opening import open_clip

__all__ = ["VideoFrame", "frames_from", "frames_in_order"]

_STEPS_BACK_S = (0, 1, 4, 16)


def frames_from(path: Path, pts: int) -> Iterator[VideoFrame]:
    """The frames shown at `pts` and after, in order; ends early where the file is damaged.

    Raises:
        PlateError: the file cannot be opened as a video.
    """
    for step_s in (*_STEPS_BACK_S, None):
        with open_clip(path) as (container, stream):
            if step_s is not None:
                _seek_before(container, stream, pts, step_s)
            decoded = _decoded(container, stream)
            first = next(decoded, None)
            if step_s is None or _is_no_later(first, pts):
                if first is not None and _is_due(first, pts):
                    yield first
                yield from (frame for frame in decoded if _is_due(frame, pts))
                return


def frames_in_order(path: Path) -> Iterator[VideoFrame]:
    """Every frame of the clip; ends early where the file is damaged.

    Raises:
        PlateError: the file cannot be opened as a video.
    """
    with open_clip(path) as (container, stream):
        yield from _decoded(container, stream)


def _seek_before(container: InputContainer, stream: VideoStream, pts: int, step_s: int) -> None:
    ticks = 0 if stream.time_base is None else round(step_s / stream.time_base)
    container.seek(pts - ticks, stream=stream, backward=True)


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    try:
        yield from container.decode(stream)
    except (av.InvalidDataError, av.EOFError):
        return


def _is_no_later(frame: VideoFrame | None, pts: int) -> bool:
    return frame is not None and frame.pts is not None and frame.pts <= pts and not frame.is_corrupt


def _is_due(frame: VideoFrame, pts: int) -> bool:
    return frame.pts is not None and frame.pts >= pts
