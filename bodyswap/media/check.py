"""The last gate: does a delivery decode, every frame, at the plate's times?

It does not know what the frames should show.
"""

from dataclasses import dataclass
from pathlib import Path

from bodyswap.errors import IntegrityError
from bodyswap.media.index import open_clip
from bodyswap.timing import FIRST_FRAME_NUMBER, Timeline


@dataclass(frozen=True, kw_only=True)
class DeliveryCheck:
    """What was decoded."""

    frame_count: int
    width: int
    height: int


def check_delivery(path: Path, timeline: Timeline) -> DeliveryCheck:
    """Decode all of `path` and compare its times with `timeline`.

    Raises:
        IntegrityError: a frame is missing, too many, damaged or at another time.
    """
    count, width, height = 0, 0, 0
    with open_clip(path) as (container, stream):
        stream.codec_context.options = {**stream.codec_context.options, "err_detect": "explode"}
        for frame in container.decode(stream):
            number = count + FIRST_FRAME_NUMBER
            if count == len(timeline):
                raise IntegrityError(f"{path} has more than the plate's {count} frames")
            if frame.is_corrupt:
                raise IntegrityError(f"frame {number} of {path} is damaged")
            due = timeline.pts[count] * timeline.time_base
            if frame.pts is None or frame.pts * (frame.time_base or 0) != due:
                raise IntegrityError(f"frame {number} of {path} is not shown at {float(due)} s")
            count, width, height = count + 1, frame.width, frame.height
    if count != len(timeline):
        raise IntegrityError(f"{path} has {count} of the plate's {len(timeline)} frames")
    return DeliveryCheck(frame_count=count, width=width, height=height)
