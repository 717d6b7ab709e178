"""What a worker asks of the pipeline: the stages on local files.

It does not know who implements them; `bodyswap.pipeline` does, and tests have a tiny one.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bodyswap.config import RenderSettings
from bodyswap.people import Detections, PoseSequence
from bodyswap.timing import FrameRange

OnFrame = Callable[[int], None]
"""Called with the number of frames finished so far."""


class Solution(Protocol):
    """The solve step's answer: one performer's poses, in plate and in subject pixels."""

    @property
    def performer(self) -> PoseSequence: ...
    @property
    def subject(self) -> PoseSequence: ...
    @property
    def report(self) -> Mapping[str, object]: ...


class Segment(Protocol):
    """A closed piece of video on the plate's clock."""

    @property
    def path(self) -> Path: ...
    @property
    def frames(self) -> FrameRange: ...
    @property
    def first_pts(self) -> int: ...
    @property
    def last_pts(self) -> int: ...


class RenderedRange(Protocol):
    """A segment, and the temporal state that its successor may start from."""

    @property
    def segment(self) -> Segment: ...
    @property
    def boundary(self) -> bytes: ...


class Pipeline(Protocol):
    """The stages on local files, as `bodyswap.pipeline.Pipeline` has them."""

    def pose_range(
        self, plate: Path, frames: FrameRange, *, settings: RenderSettings, on_frame: OnFrame
    ) -> Detections: ...

    def solve_shot(
        self,
        detections: Detections,
        plate: Path,
        frames: FrameRange,
        subject: Path,
        settings: RenderSettings,
    ) -> Solution: ...

    def solve_given_poses(
        self,
        poses: Path,
        plate: Path,
        frames: FrameRange,
        subject: Path,
        settings: RenderSettings,
    ) -> Solution: ...

    def render_range(
        self,
        plate: Path,
        frames: FrameRange,
        poses: PoseSequence,
        subject: Path,
        out: Path,
        *,
        settings: RenderSettings,
        state: bytes | None,
        on_frame: OnFrame,
    ) -> RenderedRange: ...

    def assemble_shot(
        self,
        segments: list[Path],
        plate: Path,
        frames: FrameRange,
        out: Path,
        *,
        settings: RenderSettings,
    ) -> None: ...


if TYPE_CHECKING:
    from bodyswap.pipeline import Pipeline as StagesPipeline

    def _conforms(stages: StagesPipeline) -> Pipeline:
        return stages
