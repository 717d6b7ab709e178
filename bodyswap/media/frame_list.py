"""The list of a delivery's frames: each one's file, number, time and hash.

It does not know what they show. A list is a sequence's segment: several join into one. Beside a
video it is the proof, frame by frame, of what was decoded.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

from bodyswap.errors import IntegrityError
from bodyswap.frames import LayeredFrame
from bodyswap.media.check import DeliveryCheck
from bodyswap.media.exr import FrameLabel
from bodyswap.media.frame_files import FrameFormat, Light
from bodyswap.media.index import ClipIndex
from bodyswap.timing import FrameRange, Timeline

LIST_SUFFIX = ".json"
VIDEO_LIST = "frames.json"
"""What the list beside a video is called."""


@dataclass(frozen=True, kw_only=True)
class ListedFrame:
    """`pts` counts ticks of the plate's clock; `timecode` is "" where the plate has none.

    `sha256` is of the frame's own file; in a video, of its picture as 8-bit RGB.
    """

    name: str
    number: int
    pts: int
    timecode: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class FrameList:
    """Frame files in order, all beside the list."""

    frames: tuple[ListedFrame, ...]

    def write(self, path: Path) -> None:
        told = {"frames": [asdict(frame) for frame in self.frames]}
        path.write_text(json.dumps(told, indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> "FrameList":
        """The list at `path`. Raises IntegrityError where it is none."""
        try:
            told = json.loads(path.read_text())
            return cls(frames=tuple(ListedFrame(**frame) for frame in told["frames"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IntegrityError(f"{path} is no list of frames: {error}") from error


def label_frame(plate: ClipIndex, index: int) -> FrameLabel:
    """What the delivery of the plate's frame `index` says of itself."""
    start = plate.custody.timecode
    return FrameLabel(
        number=plate.first_number + index,
        rate=plate.timeline.rate,
        timecode=None if start is None else start + index,
        reel=plate.custody.reel,
    )


def list_video(path: Path, check: DeliveryCheck, plate: ClipIndex, frames: FrameRange) -> FrameList:
    """The `frames` of the plate in the video at `path`, as `check` decoded them."""
    labels = [label_frame(plate, index) for index in frames]
    return FrameList(
        frames=tuple(
            ListedFrame(
                name=path.name,
                number=label.number,
                pts=plate.timeline.pts[index],
                timecode=str(label.timecode or ""),
                sha256=sha256,
            )
            for index, label, sha256 in zip(frames, labels, check.picture_sha256, strict=True)
        )
    )


def write_frames(
    pictures: Iterable[LayeredFrame],
    folder: Path,
    *,
    plate: ClipIndex,
    frames: FrameRange,
    kind: FrameFormat,
) -> FrameList:
    """Write the pictures, the `frames` of the plate, as `shot.1001.exr` and so on."""
    listed = []
    light = Light(working=plate.working, hdr=plate.custody.hdr)
    for index, picture in zip(frames, pictures, strict=True):
        label = label_frame(plate, index)
        path = folder / f"shot.{label.number:04d}{kind.suffix}"
        kind.write(path, picture, label, light)
        listed.append(
            ListedFrame(
                name=path.name,
                number=label.number,
                pts=plate.timeline.pts[index],
                timecode=str(label.timecode or ""),
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            )
        )
    return FrameList(frames=tuple(listed))


def join_lists(
    lists: Sequence[Path], *, plate: ClipIndex, frames: FrameRange, kind: FrameFormat
) -> FrameList:
    """The lists as one, every file beside them read through and found to be what it should be.

    Raises:
        IntegrityError: a frame is missing, damaged, twice there, or another than it says.
    """
    placed = [(path.parent, frame) for path in lists for frame in FrameList.read(path).frames]
    if [frame.number for _, frame in placed] != [plate.first_number + index for index in frames]:
        raise IntegrityError(f"the parts hold {len(placed)} frames that are not {frames}")
    for index, (folder, frame) in zip(frames, placed, strict=True):
        _check(folder / frame.name, frame, plate.timeline, index)
        kind.check(folder / frame.name, label_frame(plate, index))
    return FrameList(frames=tuple(frame for _, frame in placed))


def _check(path: Path, frame: ListedFrame, timeline: Timeline, index: int) -> None:
    due_s: Fraction = timeline.pts[index] * timeline.time_base
    if frame.pts != timeline.pts[index]:
        raise IntegrityError(f"frame {frame.number} is not listed at {float(due_s)} s")
    if not path.is_file():
        raise IntegrityError(f"frame {frame.number} is listed, and {path.name} is not there")
    if hashlib.sha256(path.read_bytes()).hexdigest() != frame.sha256:
        raise IntegrityError(f"{path.name} is not the file that was listed; render it again")
