"""What a worker asks of one machine's stages, without loading them.

It does not know who fulfils it: `bodyswap.pipeline.Pipeline` does, and so do small ones in tests.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bodyswap.config import RenderSettings
from bodyswap.joins import Join, ProvenJoins, RenderedPart
from bodyswap.overlap import OnFrame
from bodyswap.passes.shot_inputs import ShotInputs, SolvedShot
from bodyswap.people import Detections, PoseSequence
from bodyswap.timing import FrameRange

RECIPE = "recipe.npz"
"""The solve step's file that says how the subject is laid into the plate, if they are."""


class Solution(Protocol):
    """The solve step's answer: one performer's poses, in plate and in subject pixels."""

    @property
    def performer(self) -> PoseSequence: ...
    @property
    def subject(self) -> PoseSequence: ...
    @property
    def report(self) -> Mapping[str, object]: ...
    @property
    def recipe(self) -> bytes | None: ...  # for replacing the performer in the plate


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
    @property
    def frame_files(self) -> Sequence[Path]: ...  # none of a video; `path` is their list


class RenderedRange(Protocol):
    """A segment, and what joining it to its neighbours takes."""

    @property
    def segment(self) -> Segment: ...
    @property
    def entrance(self) -> bytes: ...
    @property
    def boundary(self) -> bytes: ...
    @property
    def picture_hashes(self) -> Sequence[str]: ...
    @property
    def segment_map(self) -> bytes: ...  # empty where segments cannot be joined in a store
    @property
    def prints(self) -> Sequence[str]: ...  # of its key frames; see `rights.prints`


class Pipeline(Protocol):
    """The stages on local files, as `bodyswap.pipeline.Pipeline` has them."""

    def pose_range(
        self, plate: Path, frames: FrameRange, *, settings: RenderSettings, on_frame: OnFrame
    ) -> Detections: ...

    def solve_shot(
        self, detections: Detections, shot: ShotInputs, frames: FrameRange
    ) -> Solution: ...

    def solve_given_poses(self, poses: Path, shot: ShotInputs, frames: FrameRange) -> Solution: ...

    def render_range(
        self,
        shot: SolvedShot,
        frames: FrameRange,
        out: Path,
        *,
        state: bytes | None,
        on_frame: OnFrame,
    ) -> RenderedRange: ...

    def prove_joins(
        self, parts: Sequence[RenderedPart], shot: SolvedShot, folder: Path
    ) -> ProvenJoins: ...

    def see_joins(
        self, shot: Path, frames: FrameRange, joins: Sequence[Join]
    ) -> Sequence[Join]: ...

    def assemble_shot(
        self,
        segments: list[Path],
        plate: Path,
        frames: FrameRange,
        out: Path,
        *,
        settings: RenderSettings,
    ) -> None: ...

    def head_of_shot(
        self,
        maps: Sequence[bytes],
        opening: Callable[[int], bytes],
        plate: Path,
        frames: FrameRange,
        *,
        settings: RenderSettings,
    ) -> bytes: ...

    def check_shot(
        self,
        shot: Path,
        plate: Path,
        frames: FrameRange,
        folder: Path,
        *,
        settings: RenderSettings,
    ) -> bytes: ...


if TYPE_CHECKING:
    from bodyswap.pipeline import Pipeline as StagesPipeline

    def _conforms(stages: StagesPipeline) -> Pipeline:
        return stages
