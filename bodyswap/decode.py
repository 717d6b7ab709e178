"""Decode: exact frames of a clip, as RGB that travels with its time.

It does not know what the frames are for.
"""

from collections.abc import Iterator

import numpy as np

from bodyswap.errors import PlateError
from bodyswap.frames import RGB, FrameBatch
from bodyswap.media.index import ClipIndex, open_clip
from bodyswap.timing import FIRST_FRAME_NUMBER, FrameRange


def decode(clip: ClipIndex, frames: FrameRange, *, batch_frames: int = 16) -> Iterator[FrameBatch]:
    """The frames of a range, in order, at most `batch_frames` at a time.

    Raises:
        PlateError: a frame of the range does not decode; the message names it.
    """
    if not len(frames):
        return
    pictures: list[RGB] = []
    start = frames.start
    for index, picture in enumerate(_pictures(clip, frames), start=frames.start):
        pictures.append(picture)
        if len(pictures) == batch_frames or index == frames.stop - 1:
            yield FrameBatch(
                rgb_NHW3=np.stack(pictures),
                pts=clip.timeline.pts[start : index + 1],
                first_index=start,
                time_base=clip.timeline.time_base,
            )
            pictures, start = [], index + 1


def _pictures(clip: ClipIndex, frames: FrameRange) -> Iterator[RGB]:
    wanted = clip.timeline.pts[frames.start : frames.stop]
    done = 0
    with open_clip(clip.path) as (container, stream):
        container.seek(wanted[0], stream=stream, backward=True)
        for frame in container.decode(stream):
            if frame.pts is None or frame.pts < wanted[0]:
                continue
            if frame.pts != wanted[done]:
                break
            yield np.rot90(clip.colour.to_rgb(frame), clip.quarter_turns)
            done += 1
            if done == len(wanted):
                return
    number = frames.start + done + FIRST_FRAME_NUMBER
    raise PlateError(f"frame {number} of {clip.path} does not decode; copy the file again")
