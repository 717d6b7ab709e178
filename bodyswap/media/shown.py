"""The frames of a range of a video, each the one that the index says is shown then.

It does not know what is done with them; of an image sequence, the files are the frames.
"""

from collections.abc import Generator, Iterator
from itertools import islice

import numpy as np
from av.video.frame import VideoFrame

from bodyswap.errors import PlateError
from bodyswap.media.colour import Codes16
from bodyswap.media.index import ClipIndex
from bodyswap.media.seek import frames_from, frames_in_order
from bodyswap.timing import FIRST_FRAME_NUMBER, FrameRange


def shown_frames(clip: ClipIndex, frames: FrameRange) -> Iterator[VideoFrame]:
    """The range's frames, as they were decoded.

    Raises:
        PlateError: one is missing or damaged; the message names it.
    """
    done = 0
    for frame in _intact(clip, frames):
        yield frame
        done += 1
        if done == len(frames):
            return
    number = frames.start + done + FIRST_FRAME_NUMBER
    raise PlateError(
        f"frame {number} of {clip.path}, or one soon after, does not decode; copy the file again"
    )


def codes_16(clip: ClipIndex, frames: FrameRange) -> Generator[Codes16, None, None]:
    """The range's frames in 16 bits, (H, W, 3), upright. Raises PlateError as above."""
    for frame in shown_frames(clip, frames):
        yield np.rot90(clip.colour.codes_16(frame), clip.quarter_turns)


def _intact(clip: ClipIndex, frames: FrameRange) -> Iterator[VideoFrame]:
    """Ends early where one is missing or damaged."""
    if not clip.has_frame_times:
        yield from islice(frames_in_order(clip.path), frames.start, frames.stop)
        return
    wanted = clip.timeline.pts[frames.start : frames.stop]
    for frame, pts in zip(frames_from(clip.path, wanted[0]), wanted, strict=False):
        if frame.pts != pts or frame.is_corrupt:
            return
        yield frame
