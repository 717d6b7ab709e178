"""One machine's part in a shot: the two passes over a frame range. READ THIS FIRST.

    pose pass     decode -> pose                         any range, any machine
    solve         one performer, filled, smoothed, retargeted to the subject   whole shot, once
    render pass   draw pose map -> generator -> composite -> encode            any range
    assemble      join the segments by packet copy, then decode all of it to be sure

It does not know shards, leases, stores or Ray: `cluster.workers.worker` calls it with local files.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bodyswap.cast import cast_others, company_for, refuse_others
from bodyswap.company import Company
from bodyswap.config import RenderSettings
from bodyswap.decode import decode
from bodyswap.device import steady_arithmetic
from bodyswap.encode import CODECS, FRAME_FORMATS, Segment
from bodyswap.fitting import check_deliverable, given_cuts, given_poses, plate_shape
from bodyswap.frames import RGB, FrameBatch, RenderedFrame
from bodyswap.joins import Join, ProvenJoins, RenderedPart
from bodyswap.keypoints.camera import CameraWatch
from bodyswap.media.check import DeliveryCheck, check_delivery, index_delivery
from bodyswap.media.concat import concat
from bodyswap.media.cuts import REACH as CUT_REACH
from bodyswap.media.cuts import CutWatch
from bodyswap.media.frame_list import LIST_SUFFIX, VIDEO_LIST, join_lists, list_video
from bodyswap.media.index import ClipIndex, index_clip, index_to_bytes
from bodyswap.media.segment_map import SegmentMap, map_segment
from bodyswap.media.stitch import stitched_head
from bodyswap.mending import Mended, mend_part, picture_hash, prove_joins
from bodyswap.pairing import check_skeleton
from bodyswap.people import Detections, PoseSequence
from bodyswap.plate_recipe import pieces_for, read_recipe, with_recipe
from bodyswap.pose import estimate_poses
from bodyswap.quality.seams import seam_ratios
from bodyswap.render import BoundaryState
from bodyswap.replacement import ALONE, Replacement
from bodyswap.rights.mark import Mark
from bodyswap.solve import Solution, solve, solve_given
from bodyswap.steps import each_step, step
from bodyswap.timing import FrameRange
from bodyswap.traces import Traces
from bodyswap.warm import Warm

OnFrame = Callable[[int], None]
"""Called with the number of frames finished so far."""


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


class Pipeline:
    """The stages, wired; models stay loaded between calls, so one instance serves a warm worker."""

    def __init__(self) -> None:
        self._warm = Warm()

    def pose_range(
        self, plate: Path, frames: FrameRange, *, settings: RenderSettings, on_frame: OnFrame
    ) -> Detections:
        """Everyone seen in `frames` of the plate, how the camera moved meanwhile, and its cuts."""
        clip = self._warm.clip(plate, settings)
        given = given_cuts(clip, settings)
        with_next = FrameRange(start=frames.start, stop=min(frames.stop + 1, len(clip)))
        around = with_next if given is not None else frames.grown(CUT_REACH, within=clip.frames)
        batches = each_step("decode", decode(clip, around, batch_frames=settings.pose.batch_frames))
        camera, cutting = CameraWatch(frames), CutWatch(frames)
        if given is None:
            batches = cutting.passing(batches, with_next)
        with steady_arithmetic(settings.mode), step("pose"):
            estimator, detector = self._warm.seers(settings)
            watched = _report_batches(camera.passing(batches), on_frame)
            people = estimate_poses(watched, frames, estimator, detector)
            cuts = cutting.finish() if given is None else [cut for cut in given if cut in frames]
            return replace(people, camera_N33=camera.motion(people), cuts=tuple(cuts))

    @step("solve")
    def solve_shot(
        self,
        detections: Detections,
        plate: Path,
        frames: FrameRange,
        subject: Path,
        settings: RenderSettings,
        *,
        replacement: Replacement = ALONE,
    ) -> Solution:
        """One performer's poses over the whole shot, in the plate's and the subject's pixels."""
        clip = self._warm.clip(plate, settings)
        given_set = self._clean_plate(replacement, settings)
        shape = plate_shape(clip)
        person = self._warm.subject(subject, settings)
        check_deliverable(clip, person, settings)
        card = person.card
        check_skeleton(detections.skeleton.name, settings.pose.model, card)
        solved = solve(detections, frames, plate=shape, stance=card.stance, settings=settings.solve)
        others = cast_others(solved, detections, shape, self._warm, replacement, settings)
        if others.told:
            solved = replace(solved, report={**solved.report, "others": others.told})
        camera_N33 = detections.camera_over(frames)
        return with_recipe(
            solved, clip, person.background_HW3, camera_N33, settings, given_set, others.swaps
        )

    @step("solve")
    def solve_given_poses(
        self,
        poses: Path,
        plate: Path,
        frames: FrameRange,
        subject: Path,
        settings: RenderSettings,
        *,
        replacement: Replacement = ALONE,
    ) -> Solution:
        """The same from a corrected poses.npz, in place of the pose pass."""
        clip = self._warm.clip(plate, settings)
        given_set = self._clean_plate(replacement, settings)
        person = self._warm.subject(subject, settings)
        check_deliverable(clip, person, settings)
        refuse_others(replacement.others)
        given = given_poses(poses, clip, frames, skeleton=person.card.skeleton)
        cuts = [cut for cut in given_cuts(clip, settings) or () if frames.start < cut < frames.stop]
        shape, stance = plate_shape(clip), person.card.stance
        solved = solve_given(
            replace(given.poses, cuts=tuple(cuts)),
            given.camera_N33,
            plate=shape,
            stance=stance,
            settings=settings.solve,
        )
        return with_recipe(
            solved, clip, person.background_HW3, given.camera_N33, settings, given_set
        )

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
        mark: Mark | None = None,
        recipe: bytes | None = None,
        replacement: Replacement = ALONE,
    ) -> RenderedRange:
        """The subject in `poses`, over their own background, as a closed segment at `out`.

        With a `recipe` of the solve step they are laid into the plate instead, by the same
        `replacement`.

        A codec with alpha holds the subject cut out, over nothing. With `state`, a predecessor's
        boundary, it goes on from there; without, it warms up. `mark` is left in what is
        delivered alone: neither the state nor the hashes know of it.
        """
        clip = self._warm.clip(plate, settings)
        person = self._warm.subject(subject, settings)
        begun = BoundaryState.from_bytes(state) if state else None
        hashes: list[str] = []
        traces = Traces(mark, settings.label)
        with steady_arithmetic(settings.mode), step("encode"):
            how = read_recipe(recipe)
            company = company_for(subject, poses, how, self._warm, replacement, settings)
            rendered = self._rendered(company, frames, settings, begun)
            watched = _report_frames(_hashed(rendered, company.picture, hashes), on_frame)
            pieces = pieces_for(
                settings, clip, person.background_HW3, poses, how, traces,
                self._clean_plate(replacement, settings),
            )  # fmt: skip
            segment = pieces.write(watched, frames, out)
        return RenderedRange(
            segment=segment,
            entrance=company.entrance.to_bytes(),
            boundary=company.state.to_bytes(),
            picture_hashes=tuple(hashes),
            segment_map=_map_of(segment, settings),
            prints=traces.prints,
        )

    def prove_joins(
        self,
        parts: Sequence[RenderedPart],
        plate: Path,
        poses: PoseSequence,
        subject: Path,
        folder: Path,
        *,
        settings: RenderSettings,
        mark: Mark | None = None,
        recipe: bytes | None = None,
        replacement: Replacement = ALONE,
    ) -> ProvenJoins:
        """Score the joins between the shot's parts, and mend those that show; files go to `folder`.

        A part is mended as far as the next keyframe after it met its old pictures.
        """
        person = self._warm.subject(subject, settings)
        traces, how = Traces(mark, settings.label), read_recipe(recipe)
        pieces = pieces_for(
            settings, self._warm.clip(plate, settings), person.background_HW3, poses, how, traces,
            self._clean_plate(replacement, settings),
        )  # fmt: skip

        def mend(part: RenderedPart, state: BoundaryState) -> Mended:
            with steady_arithmetic(settings.mode), step("mend"):
                company = company_for(subject, poses, how, self._warm, replacement, settings)
                anew = partial(self._rendered, company, settings=settings, state=state)
                return mend_part(part, anew, lambda: company.state, company.picture, pieces, folder)

        with step("join"):
            return prove_joins(parts, tolerance=settings.join_tolerance, mend=mend, cuts=poses.cuts)

    @step("assemble")
    def assemble_shot(
        self,
        segments: list[Path],
        plate: Path,
        frames: FrameRange,
        out: Path,
        *,
        settings: RenderSettings,
    ) -> None:
        """Join the segments on the plate's own timeline, and prove it by decoding every frame.

        Of a sequence, `out` is the list of its frames; the segments' own files stay where they are.
        Beside a video, the list of what was decoded is left.
        """
        clip = self._warm.clip(plate, settings)
        if settings.codec in FRAME_FORMATS:
            kind = FRAME_FORMATS[settings.codec]
            join_lists(segments, plate=clip, frames=frames, kind=kind).write(out)
            return
        timeline, first_pts = clip.timeline.cut(frames), clip.timeline.pts[0]
        concat(segments, timeline, out, first_pts=first_pts, plate=clip)
        _check(out, clip, frames, out.parent)

    def head_of_shot(
        self,
        maps: Sequence[bytes],
        opening: Callable[[int], bytes],
        plate: Path,
        frames: FrameRange,
        *,
        settings: RenderSettings,
    ) -> bytes:
        """What comes before the segments of `maps`, each whole, in a shot joined where they lie.

        `opening` answers as many of the first segment's first bytes as it is asked for.
        """
        clip = self._warm.clip(plate, settings)
        segments = [SegmentMap.from_bytes(data) for data in maps]
        return stitched_head(
            segments, opening(segments[0].opening_bytes), clip.timeline.cut(frames),
            suffix=CODECS[settings.codec].suffix, first_pts=clip.timeline.pts[0], plate=clip,
        )  # fmt: skip

    def check_shot(
        self,
        shot: Path,
        plate: Path,
        frames: FrameRange,
        folder: Path,
        *,
        settings: RenderSettings,
    ) -> bytes:
        """Prove a shot that was joined elsewhere by decoding every frame; the list of what was
        decoded is left in `folder`. The shot's index, so that nobody reads it through again."""
        clip = self._warm.clip(plate, settings)
        check = _check(shot, clip, frames, folder)
        timeline = clip.timeline.cut(frames).starting_at(clip.timeline.pts[0])
        return index_to_bytes(index_delivery(shot, check, timeline, CODECS[settings.codec]))

    def see_joins(self, shot: Path, frames: FrameRange, joins: Sequence[Join]) -> tuple[Join, ...]:
        """The joins, with how they show in the assembled shot; of a sequence, as they were."""
        if shot.suffix == LIST_SUFFIX or not joins:
            return tuple(joins)
        inner = [join.frame for join in joins if not join.is_cut]
        ratios = dict(zip(inner, seam_ratios(index_clip(shot), frames, inner), strict=True))
        return tuple(replace(join, warping_ratio=ratios.get(join.frame)) for join in joins)

    def _clean_plate(self, replacement: Replacement, settings: RenderSettings) -> ClipIndex | None:
        given = replacement.clean_plate
        return None if given is None else self._warm.clip(given, settings)

    def _rendered(
        self,
        company: Company,
        frames: FrameRange,
        settings: RenderSettings,
        state: BoundaryState | None,
    ) -> Iterator[RenderedFrame]:
        wanted = settings.warmup_frames
        return company.render(
            frames, warmup_frames=company.warmup_frames if wanted is None else wanted, state=state
        )


def _check(shot: Path, clip: ClipIndex, frames: FrameRange, folder: Path) -> DeliveryCheck:
    timeline = clip.timeline.cut(frames).starting_at(clip.timeline.pts[0])
    check = check_delivery(shot, timeline)
    list_video(shot, check, clip, frames).write(folder / VIDEO_LIST)
    return check


def _map_of(segment: Segment, settings: RenderSettings) -> bytes:
    return b"" if settings.codec in FRAME_FORMATS else map_segment(segment.path).to_bytes()


def _report_batches(batches: Iterator[FrameBatch], on_frame: OnFrame) -> Iterator[FrameBatch]:
    done = 0
    for batch in batches:
        yield batch
        done += len(batch)
        on_frame(done)


def _report_frames(rendered: Iterator[RenderedFrame], on_frame: OnFrame) -> Iterator[RenderedFrame]:
    for done, frame in enumerate(rendered, start=1):
        yield frame
        on_frame(done)


def _hashed(
    rendered: Iterator[RenderedFrame], picture: Callable[[RenderedFrame], RGB], hashes: list[str]
) -> Iterator[RenderedFrame]:
    for frame in rendered:
        with step("composite"):
            hashes.append(picture_hash(picture(frame)))
        yield frame
