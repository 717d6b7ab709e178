"""Decode: exact frames of a clip, as RGB that travels with its time.

It does not know what the frames are for.
"""

from collections.abc import Iterator

import numpy as np

from bodyswap.frames import RGB, FrameBatch
from bodyswap.media.index import ClipIndex
from bodyswap.media.seek import VideoFrame
from bodyswap.media.sequence import read_picture
from bodyswap.media.shown import shown_frames
from bodyswap.timing import FrameRange


def decode(clip: ClipIndex, frames: FrameRange, *, batch_frames: int = 16) -> Iterator[FrameBatch]:
    """The frames of a range, in order, at most `batch_frames` at a time.

    Batches end at multiples of that, wherever the range begins.

    Raises:
        PlateError: a frame of the range does not decode; the message names it.
    """
    if not len(frames):
        return
    pictures: list[RGB] = []
    start = frames.start
    for index, picture in enumerate(_decoded(clip, frames), start=frames.start):
        pictures.append(picture)
        if (index + 1) % batch_frames == 0 or index == frames.stop - 1:
            yield FrameBatch(
                rgb_NHW3=np.stack(pictures),
                pts=clip.timeline.pts[start : index + 1],
                first_index=start,
                time_base=clip.timeline.time_base,
            )
            pictures, start = [], index + 1


def pictures_of(clip: ClipIndex, frames: FrameRange) -> Iterator[RGB]:
    """The range's frames one by one, where their times do not matter. Raises as `decode` does."""
    for batch in decode(clip, frames, batch_frames=1):
        yield np.asarray(batch.rgb_NHW3[0])


def picture_at(clip: ClipIndex, index: int) -> RGB:
    """One frame of the clip."""
    return next(pictures_of(clip, FrameRange(start=index, stop=index + 1)))


def _decoded(clip: ClipIndex, frames: FrameRange) -> Iterator[RGB]:
    if clip.files:
        for path in clip.files[frames.start : frames.stop]:
            yield read_picture(path, clip.working)
        return
    for frame in shown_frames(clip, frames):
        yield np.rot90(_seen(clip, frame), clip.quarter_turns)


def _seen(clip: ClipIndex, frame: VideoFrame) -> RGB:
    if clip.working.needs_depth:
        return clip.working.seen(clip.colour.codes_16(frame) / np.float32(65535))
    return clip.colour.to_rgb(frame)
