"""One machine's part in a shot: the two passes over a frame range. READ THIS FIRST.

    pose pass     decode -> pose                         any range, any machine
    solve         one performer, filled, smoothed, retargeted to the subject   whole shot, once
    render pass   draw pose map -> generator -> composite -> encode            any range
    assemble      join the segments by packet copy, then decode all of it to be sure (`assembly`)

In a pass the stages overlap, each a few frames ahead of the next (`overlap`).
It does not know shards, leases, stores or Ray: `cluster.workers.worker` calls it with local files.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bodyswap.config import RenderSettings
from bodyswap.decode import decode
from bodyswap.device import as_steadily, steady_arithmetic
from bodyswap.encode import FRAME_FORMATS, Segment
from bodyswap.environment import ahead_frames
from bodyswap.frames import RGB, FrameBatch, RenderedFrame
from bodyswap.joins import ProvenJoins, RenderedPart
from bodyswap.keypoints.camera import CameraWatch
from bodyswap.media.cuts import REACH as CUT_REACH
from bodyswap.media.cuts import CutWatch
from bodyswap.media.segment_map import map_segment
from bodyswap.nets.checkpoint import Subject
from bodyswap.overlap import OnFrame, Overlap
from bodyswap.passes.assembly import Assembly
from bodyswap.passes.cast import company_for, refuse_others, solve_others
from bodyswap.passes.company import Company
from bodyswap.passes.fitting import check_deliverable, given_cuts, given_poses, plate_shape
from bodyswap.passes.mending import Mended, mend_part, picture_hash, prove_joins
from bodyswap.passes.open_shot import open_shot
from bodyswap.passes.pairing import check_skeleton
from bodyswap.passes.plate_recipe import pieces_for, read_recipe, with_recipe
from bodyswap.passes.shot_inputs import ShotInputs, SolvedShot
from bodyswap.passes.traces import Traces
from bodyswap.passes.warm import Warm
from bodyswap.people import Detections
from bodyswap.pose import estimate_poses
from bodyswap.render import BoundaryState
from bodyswap.solve import Solution, solve, solve_given
from bodyswap.steps import each_step, step
from bodyswap.timing import FrameRange


@dataclass(frozen=True, kw_only=True)
class RenderedRange:
    """A closed segment, and what joining it to its neighbours takes.

    `entrance` is the temporal state that its first frame was made from, `boundary` the one that
    its successor may start from; `prints` are of its key frames.
    """

    segment: Segment
    entrance: bytes
    boundary: bytes
    picture_hashes: tuple[str, ...]
    segment_map: bytes = b""
    """Where each picture lies in the segment; empty of a sequence, whose frames are files."""
    prints: tuple[str, ...] = ()


class Pipeline(Assembly):
    """The stages, wired; models stay loaded between calls, so one instance serves a warm worker."""

    def __init__(self, overlap: Overlap | None = None) -> None:
        """`overlap` says how far stages go ahead; without, the environment does."""
        self._overlap = overlap or Overlap(frames=ahead_frames())
        super().__init__(Warm(self._overlap))

    def pose_range(
        self, plate: Path, frames: FrameRange, *, settings: RenderSettings, on_frame: OnFrame
    ) -> Detections:
        """Everyone seen in `frames` of the plate, how the camera moved meanwhile, and its cuts."""
        clip = self._warm.clip(plate, settings)
        given = given_cuts(clip, settings)
        with_next = FrameRange(start=frames.start, stop=min(frames.stop + 1, len(clip)))
        around = with_next if given is not None else frames.grown(CUT_REACH, within=clip.frames)
        each = settings.pose.batch_frames
        camera, cutting = CameraWatch(frames), CutWatch(frames)
        ahead = partial(self._overlap.ahead, frames_each=each)
        with steady_arithmetic(settings.mode), step("pose"):
            estimator, detector = self._warm.seers(settings)
            with ahead(each_step("decode", decode(clip, around, batch_frames=each))) as batches:
                if given is None:
                    batches = cutting.passing(batches, with_next)
                with ahead(each_step("watch", camera.passing(batches))) as seen:
                    watched = _reported(seen, on_frame)
                    people = estimate_poses(watched, frames, estimator, detector)
            cuts = cutting.finish() if given is None else [cut for cut in given if cut in frames]
            return replace(people, camera_N33=camera.motion(people), cuts=tuple(cuts))

    @step("solve")
    def solve_shot(self, detections: Detections, shot: ShotInputs, frames: FrameRange) -> Solution:
        """One performer's poses over the whole shot, in the plate's and the subject's pixels."""
        opened, person = open_shot(shot, self._warm), self._person(shot)
        settings, shape = shot.settings, plate_shape(opened.plate)
        check_deliverable(opened.plate, person, settings)
        card = person.card
        check_skeleton(detections.skeleton.name, settings.pose.model, card)
        solved = solve(detections, frames, plate=shape, stance=card.stance, settings=settings.solve)
        others = solve_others(solved, detections, shape, shot, self._warm)
        if others.told:
            solved = replace(solved, report={**solved.report, "others": others.told})
        return with_recipe(solved, opened, detections.camera_over(frames), others.swaps)

    @step("solve")
    def solve_given_poses(self, poses: Path, shot: ShotInputs, frames: FrameRange) -> Solution:
        """The same from a corrected poses.npz, in place of the pose pass."""
        opened, person = open_shot(shot, self._warm), self._person(shot)
        clip, settings = opened.plate, shot.settings
        check_deliverable(clip, person, settings)
        refuse_others(shot.replacement.others)
        given = given_poses(poses, clip, frames, skeleton=person.card.skeleton)
        cuts = [cut for cut in given_cuts(clip, settings) or () if frames.start < cut < frames.stop]
        solved = solve_given(
            replace(given.poses, cuts=tuple(cuts)),
            given.camera_N33,
            plate=plate_shape(clip),
            stance=person.card.stance,
            settings=settings.solve,
        )
        return with_recipe(solved, opened, given.camera_N33)

    def render_range(
        self,
        shot: SolvedShot,
        frames: FrameRange,
        out: Path,
        *,
        state: bytes | None,
        on_frame: OnFrame,
    ) -> RenderedRange:
        """The subject in `frames` of the shot, as a closed segment at `out`.

        A codec with alpha holds the subject cut out, over nothing. With `state`, a predecessor's
        boundary, it goes on from there; without, it warms up.
        """
        settings, opened = shot.settings, open_shot(shot.inputs, self._warm)
        begun = BoundaryState.from_bytes(state) if state else None
        hashes: list[str] = []
        traces = Traces(shot.mark, settings.label)
        with steady_arithmetic(settings.mode), step("encode"):
            recipe = read_recipe(shot.recipe)
            company = company_for(shot, recipe, self._warm)
            pieces = pieces_for(opened, shot.poses, recipe, traces, self._overlap)
            with self._overlap.ahead(self._rendered(company, frames, settings, begun)) as rendered:
                hashed = _hashed(rendered, company.picture, hashes)
                segment = pieces.write(hashed, frames, out, on_frame)
        return RenderedRange(
            segment=segment,
            entrance=company.entrance.to_bytes(),
            boundary=company.state.to_bytes(),
            picture_hashes=tuple(hashes),
            segment_map=_map_of(segment, settings),
            prints=traces.prints,
        )

    def prove_joins(
        self, parts: Sequence[RenderedPart], shot: SolvedShot, folder: Path
    ) -> ProvenJoins:
        """Score the joins between the shot's parts, and mend those that show; files go to `folder`.

        A part is mended as far as the next keyframe after it met its old pictures.
        """
        settings, recipe = shot.settings, read_recipe(shot.recipe)
        opened, traces = open_shot(shot.inputs, self._warm), Traces(shot.mark, settings.label)
        pieces = pieces_for(opened, shot.poses, recipe, traces, self._overlap)

        def mend(part: RenderedPart, state: BoundaryState) -> Mended:
            with steady_arithmetic(settings.mode), step("mend"):
                company = company_for(shot, recipe, self._warm)
                anew = partial(self._rendered, company, settings=settings, state=state)
                return mend_part(part, anew, lambda: company.state, company.picture, pieces, folder)

        with step("join"):
            return prove_joins(
                parts, tolerance=settings.join_tolerance, mend=mend, cuts=shot.poses.cuts
            )

    def _person(self, shot: ShotInputs) -> Subject:
        return self._warm.subject(shot.subject, shot.settings)

    def _rendered(
        self,
        company: Company,
        frames: FrameRange,
        settings: RenderSettings,
        state: BoundaryState | None,
    ) -> Iterator[RenderedFrame]:
        wanted = settings.warmup_frames
        return as_steadily(
            company.render(
                frames,
                warmup_frames=company.warmup_frames if wanted is None else wanted,
                state=state,
            )
        )


def _map_of(segment: Segment, settings: RenderSettings) -> bytes:
    return b"" if settings.codec in FRAME_FORMATS else map_segment(segment.path).to_bytes()


def _reported(batches: Iterator[FrameBatch], on_frame: OnFrame) -> Iterator[FrameBatch]:
    done = 0
    for batch in batches:
        yield batch
        done += len(batch)
        on_frame(done)


def _hashed(
    rendered: Iterator[RenderedFrame], picture: Callable[[RenderedFrame], RGB], hashes: list[str]
) -> Iterator[RenderedFrame]:
    for frame in rendered:
        with step("composite"):
            hashes.append(picture_hash(picture(frame)))
        yield frame
