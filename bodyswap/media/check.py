"""The last gate: does a delivery decode, every frame, at the plate's times?

It does not know what the frames should show. ProRes has no checksum, so damage inside a frame of
it may decode to something; that a segment is the one committed is told by its SHA-256.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av.logging
from av.video.frame import VideoFrame

from bodyswap.errors import IntegrityError, PlateError
from bodyswap.media.codec import Codec
from bodyswap.media.colour import ColourTags
from bodyswap.media.custody import Custody
from bodyswap.media.index import ClipIndex
from bodyswap.media.opening import open_clip
from bodyswap.media.working import Working
from bodyswap.timing import FIRST_FRAME_NUMBER, Timeline


@dataclass(frozen=True, kw_only=True)
class DeliveryCheck:
    """What was decoded. `picture_sha256` is of each frame's 8-bit RGB, as `decode` gives it."""

    width: int
    height: int
    picture_sha256: tuple[str, ...]

    @property
    def frame_count(self) -> int:
        return len(self.picture_sha256)


def check_delivery(path: Path, timeline: Timeline) -> DeliveryCheck:
    """Decode all of `path` and compare its times with `timeline`.

    Raises:
        IntegrityError: a frame is missing, too many, damaged or at another time.
    """
    hashes: list[str] = []
    colour = ColourTags()
    width, height = 0, 0
    try:
        for frame in _frames(path):
            _check_frame(frame, len(hashes), path, timeline)
            colour = colour if hashes else ColourTags.of_frame(frame)
            hashes.append(hashlib.sha256(colour.to_rgb(frame).tobytes()).hexdigest())
            width, height = frame.width, frame.height
    except PlateError as error:
        number = len(hashes) + FIRST_FRAME_NUMBER
        raise IntegrityError(f"frame {number} of the delivery cannot be read: {error}") from error
    if len(hashes) != len(timeline):
        raise IntegrityError(f"{path} has {len(hashes)} of the plate's {len(timeline)} frames")
    return DeliveryCheck(width=width, height=height, picture_sha256=tuple(hashes))


def index_delivery(path: Path, check: DeliveryCheck, timeline: Timeline, codec: Codec) -> ClipIndex:
    """The index of a delivery that was checked against `timeline`, without reading it again.

    Its custody is left out: nothing that looks at pictures asks for it.
    """
    base = timeline.time_base
    ticks = Timeline(
        pts=tuple(pts * base.numerator for pts in timeline.pts),
        time_base=Fraction(1, base.denominator),
        rate=timeline.rate,
    )
    return ClipIndex(
        path=path, width=check.width, height=check.height, timeline=ticks, codec=str(codec.name),
        colour=codec.colour, quarter_turns=0, has_frame_times=True, custody=Custody(),
        bits=codec.bits, working=Working.of_tags(codec.colour),
    )  # fmt: skip


def _frames(path: Path) -> Iterator[VideoFrame]:
    with open_clip(path) as (container, stream), _complaints() as logs:
        strict = {"err_detect": "crccheck+explode"}
        stream.codec_context.options = {**stream.codec_context.options, **strict}
        stream.thread_type = "NONE"
        for frame in container.decode(stream):
            if logs:
                break
            yield frame
        if logs:
            raise PlateError(f"{path} is damaged: {logs[0][2].strip()}")


@contextmanager
def _complaints() -> Iterator[list[tuple[int, str, str]]]:
    """What decoders in this thread call an error. FFV1's only tell a wrong checksum this way."""
    level = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture(local=True) as logs:
            yield logs
    finally:
        av.logging.set_level(level)


def _check_frame(frame: VideoFrame, index: int, path: Path, timeline: Timeline) -> None:
    number = index + FIRST_FRAME_NUMBER
    if index >= len(timeline):
        raise IntegrityError(f"{path} has more than the plate's {len(timeline)} frames")
    if frame.is_corrupt:
        raise IntegrityError(f"frame {number} of {path} is damaged; render it again")
    due_s = timeline.pts[index] * timeline.time_base
    if frame.pts is None or frame.pts * (frame.time_base or 0) != due_s:
        raise IntegrityError(f"frame {number} of {path} is not shown at {float(due_s)} s")
