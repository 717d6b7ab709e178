"""Decode: exact frames of a clip, as RGB that travels with its time.

It does not know what the frames are for.
"""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from bodyswap.errors import PlateError
from bodyswap.frames import RGB, FrameBatch
from bodyswap.media.index import ClipIndex
from bodyswap.media.seek import VideoFrame, frames_from, frames_in_order
from bodyswap.media.sequence import read_picture
from bodyswap.timing import FIRST_FRAME_NUMBER, FrameRange


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
    for index, picture in enumerate(_pictures(clip, frames), start=frames.start):
        pictures.append(picture)
        if (index + 1) % batch_frames == 0 or index == frames.stop - 1:
            yield FrameBatch(
                rgb_NHW3=np.stack(pictures),
                pts=clip.timeline.pts[start : index + 1],
                first_index=start,
                time_base=clip.timeline.time_base,
            )
            pictures, start = [], index + 1


def _pictures(clip: ClipIndex, frames: FrameRange) -> Iterator[RGB]:
    if clip.files:
        yield from map(read_picture, clip.files[frames.start : frames.stop])
        return
    done = 0
    for frame in _shown(clip, frames):
        yield np.rot90(clip.colour.to_rgb(frame), clip.quarter_turns)
        done += 1
        if done == len(frames):
            return
    number = frames.start + done + FIRST_FRAME_NUMBER
    raise PlateError(
        f"frame {number} of {clip.path}, or one soon after, does not decode; copy the file again"
    )


def _shown(clip: ClipIndex, frames: FrameRange) -> Iterator[VideoFrame]:
    """The range's frames; ends early where one is missing or damaged."""
    if not clip.has_frame_times:
        yield from islice(frames_in_order(clip.path), frames.start, frames.stop)
        return
    wanted = clip.timeline.pts[frames.start : frames.stop]
    for frame, pts in zip(frames_from(clip.path, wanted[0]), wanted, strict=False):
        if frame.pts != pts or frame.is_corrupt:
            return
        yield frame
