"""Rendered frames into a delivery's pieces: segments of a video, or lists of frame files.

It does not know which frames are wanted, or why; `traces` sees each picture before it is coded.
A piece can be cut where nothing before is needed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bodyswap.composite import cut_out, over_own
from bodyswap.encode import (
    FRAME_FORMATS,
    Codec,
    FrameFormat,
    Segment,
    codec_of,
    encode,
    encode_frames,
)
from bodyswap.frames import RGB, RGBA, LayeredFrame, RenderedFrame
from bodyswap.media.frame_list import FrameList
from bodyswap.media.index import ClipIndex
from bodyswap.media.trim import keyframes_of, trim
from bodyswap.overlap import NO_OVERLAP, OnFrame, Overlap, ignore_frames, reported
from bodyswap.passes.open_shot import OpenShot
from bodyswap.passes.traces import Traces
from bodyswap.people import PoseSequence
from bodyswap.steps import step
from bodyswap.timing import FrameRange


class Pieces(Protocol):
    """How one kind of delivery is made in parts."""

    @property
    def suffix(self) -> str: ...
    @property
    def shows_layers(self) -> bool:
        """True where more of a frame is to be seen than its composite."""

    def write(
        self,
        rendered: Iterator[RenderedFrame],
        frames: FrameRange,
        path: Path,
        on_frame: OnFrame = ignore_frames,
    ) -> Segment:
        """Write the `frames` of the plate, closed, to `path`; a sequence's files go beside it.

        `on_frame` is called by the calling thread, each time a frame was coded.
        """

    def cuts(self, segment: Path) -> list[int]:
        """The indices of the plate's frames before which the segment may be cut."""

    def rest(self, segment: Path, start: int, folder: Path) -> Path:
        """What the segment has from the plate's frame `start` on, nothing coded again."""


def pieces_of(
    shot: OpenShot, poses: PoseSequence, traces: Traces, overlap: Overlap
) -> "VideoPieces | SequencePieces":
    """How the settings' codec is made in parts."""
    if shot.settings.codec in FRAME_FORMATS:
        kind = FRAME_FORMATS[shot.settings.codec]
        return SequencePieces(
            plate=shot.plate, background_HW3=shot.background_HW3, kind=kind, poses=poses,
            traces=traces, overlap=overlap,
        )  # fmt: skip
    codec = codec_of(shot.settings, shot.plate)
    return VideoPieces(
        plate=shot.plate, background_HW3=shot.background_HW3, codec=codec, traces=traces,
        overlap=overlap,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class VideoPieces:
    """Segments of a codec, on the plate's clock: over the background, or cut out with alpha."""

    plate: ClipIndex
    background_HW3: RGB
    codec: Codec
    traces: Traces = field(default_factory=Traces)
    overlap: Overlap = NO_OVERLAP

    @property
    def suffix(self) -> str:
        return self.codec.suffix

    @property
    def shows_layers(self) -> bool:
        return self.codec.has_alpha

    def write(
        self,
        rendered: Iterator[RenderedFrame],
        frames: FrameRange,
        path: Path,
        on_frame: OnFrame = ignore_frames,
    ) -> Segment:
        with self.overlap.ahead(map(self._flattened, rendered)) as pictures:
            return encode(
                reported(pictures, on_frame), path,
                timeline=self.plate.timeline, frames=frames, codec=self.codec,
            )  # fmt: skip

    def cuts(self, segment: Path) -> list[int]:
        places = {pts: index for index, pts in enumerate(self.plate.timeline.pts)}
        return [places[pts] for pts in keyframes_of(segment)]

    def rest(self, segment: Path, start: int, folder: Path) -> Path:
        out, timeline = folder / f"rest-{start}{self.suffix}", self.plate.timeline
        trim(segment, timeline, from_pts=timeline.pts[start], out=out)
        return out

    def _flattened(self, frame: RenderedFrame) -> RGB | RGBA:
        with step("composite"):
            return self._delivered(frame)

    def _delivered(self, frame: RenderedFrame) -> RGB | RGBA:
        if self.codec.has_alpha:
            return cut_out(self.traces.on_layers(frame, self.background_HW3))
        return self.traces.on(over_own(frame, self.background_HW3), frame.index)


@dataclass(frozen=True, kw_only=True)
class SequencePieces:
    """Lists of frame files, with the layers apart where the format keeps them so."""

    plate: ClipIndex
    background_HW3: RGB
    kind: FrameFormat
    poses: PoseSequence
    traces: Traces = field(default_factory=Traces)
    overlap: Overlap = NO_OVERLAP
    suffix: str = ".json"
    shows_layers: bool = True

    def write(
        self,
        rendered: Iterator[RenderedFrame],
        frames: FrameRange,
        path: Path,
        on_frame: OnFrame = ignore_frames,
    ) -> Segment:
        with self.overlap.ahead(self.layered(frame, frames) for frame in rendered) as layered:
            return encode_frames(
                reported(layered, on_frame), path, plate=self.plate, frames=frames, kind=self.kind
            )

    def cuts(self, segment: Path) -> list[int]:
        first = self.plate.first_number
        return [frame.number - first for frame in FrameList.read(segment).frames]

    def rest(self, segment: Path, start: int, folder: Path) -> Path:
        first = self.plate.first_number + start
        kept = tuple(frame for frame in FrameList.read(segment).frames if frame.number >= first)
        # A list lies beside its files.
        out = segment.with_name(f"rest-{start}{self.suffix}")
        FrameList(frames=kept).write(out)
        return out

    def layered(self, frame: RenderedFrame, frames: FrameRange) -> LayeredFrame:
        """The frame over the subject's background, with what quality control asks."""
        with step("composite"):
            marked = self.traces.on_layers(frame, self.background_HW3)
        facts = self.facts(frame.index, frames)
        return LayeredFrame(subject=marked, clean_plate_HW3=self.background_HW3, facts=facts)

    def facts(self, index: int, frames: FrameRange) -> dict[str, float]:
        """Of one frame: how sure the pose is, and how far it is from a join."""
        row = index - self.poses.frames.start
        return {
            "pose_confidence": float(self.poses.confidence_NK[row].mean()),
            "join": float(index - frames.start),
            "shard": float(self.plate.first_number + frames.start),
        }
