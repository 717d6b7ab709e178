"""One machine's part in a shot: the two passes over a frame range. READ THIS FIRST.

    pose pass     decode -> pose                         any range, any machine
    solve         one performer, filled, smoothed, retargeted to the subject   whole shot, once
    render pass   draw pose map -> generator -> composite -> encode            any range
    assemble      join the segments by packet copy, then decode all of it to be sure

It does not know shards, leases, stores or Ray: `cluster.worker` calls it with local files.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from bodyswap.choice import parse_cuts
from bodyswap.composite import composite
from bodyswap.config import EngineName, Over, PoseSettings, RenderSettings
from bodyswap.decode import decode
from bodyswap.device import choose_device, steady_arithmetic
from bodyswap.encode import CODECS, FRAME_FORMATS, Segment
from bodyswap.errors import SubjectError, UsageError
from bodyswap.frames import RGB, FrameBatch, RenderedFrame
from bodyswap.joins import Join, ProvenJoins, RenderedPart
from bodyswap.keypoints.camera import CameraWatch
from bodyswap.keypoints.detector import PersonDetector, build_detector
from bodyswap.keypoints.estimator import PoseEstimator, build_estimator
from bodyswap.keypoints.posefile import PoseFile, read_pose_file
from bodyswap.media.check import DeliveryCheck, check_delivery, index_delivery
from bodyswap.media.companions import check_sound
from bodyswap.media.concat import concat
from bodyswap.media.cuts import REACH as CUT_REACH
from bodyswap.media.cuts import CutWatch
from bodyswap.media.frame_list import LIST_SUFFIX, VIDEO_LIST, join_lists, list_video
from bodyswap.media.index import ClipIndex, index_clip, index_to_bytes
from bodyswap.media.probe import probe
from bodyswap.media.segment_map import SegmentMap, map_segment
from bodyswap.media.stitch import stitched_head
from bodyswap.media.streamed import StreamedPath
from bodyswap.media.writer import check_size
from bodyswap.mending import Mended, mend_part, picture_hash, prove_joins
from bodyswap.nets.checkpoint import Subject, load_subject
from bodyswap.nets.painter import Paint, painter
from bodyswap.pairing import check_skeleton
from bodyswap.people import Detections, PoseSequence
from bodyswap.plate_recipe import pieces_for, with_recipe
from bodyswap.pose import estimate_poses
from bodyswap.quality.seams import seam_ratios
from bodyswap.render import BoundaryState, Renderer
from bodyswap.rights.mark import Mark
from bodyswap.rights.trust import operator_trust
from bodyswap.solve import PlateShape, Solution, solve, solve_given
from bodyswap.steps import each_step, step
from bodyswap.timing import FrameRange
from bodyswap.traces import Traces

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
        self._loaded: dict[tuple[PoseSettings, str, int], tuple[PoseEstimator, PersonDetector]] = {}
        self._subjects: dict[tuple[Path, str], Subject] = {}
        self._probed: set[Path] = set()
        self._painters: dict[tuple[Path, str, str, int], Paint] = {}

    def pose_range(
        self, plate: Path, frames: FrameRange, *, settings: RenderSettings, on_frame: OnFrame
    ) -> Detections:
        """Everyone seen in `frames` of the plate, how the camera moved meanwhile, and its cuts."""
        clip = self._clip(plate)
        given = given_cuts(clip, settings)
        with_next = FrameRange(start=frames.start, stop=min(frames.stop + 1, len(clip)))
        around = with_next if given is not None else frames.grown(CUT_REACH, within=clip.frames)
        batches = each_step("decode", decode(clip, around, batch_frames=settings.pose.batch_frames))
        camera, cutting = CameraWatch(frames), CutWatch(frames)
        if given is None:
            batches = cutting.passing(batches, with_next)
        with steady_arithmetic(settings.mode), step("pose"):
            estimator, detector = self._seers(settings)
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
    ) -> Solution:
        """One performer's poses over the whole shot, in the plate's and the subject's pixels."""
        clip = self._clip(plate)
        shape = plate_shape(clip)
        person = self._subject(subject, settings)
        check_deliverable(clip, person, settings)
        card = person.card
        check_skeleton(detections.skeleton.name, settings.pose.model, card)
        solved = solve(detections, frames, plate=shape, stance=card.stance, settings=settings.solve)
        camera_N33 = detections.camera_over(frames)
        return with_recipe(solved, clip, person.background_HW3, camera_N33, settings)

    @step("solve")
    def solve_given_poses(
        self,
        poses: Path,
        plate: Path,
        frames: FrameRange,
        subject: Path,
        settings: RenderSettings,
    ) -> Solution:
        """The same from a corrected poses.npz, in place of the pose pass."""
        clip = self._clip(plate)
        person = self._subject(subject, settings)
        check_deliverable(clip, person, settings)
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
        return with_recipe(solved, clip, person.background_HW3, given.camera_N33, settings)

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
    ) -> RenderedRange:
        """The subject in `poses`, over their own background, as a closed segment at `out`.

        With a `recipe` of the solve step they are laid into the plate instead.

        A codec with alpha holds the subject cut out, over nothing. With `state`, a predecessor's
        boundary, it goes on from there; without, it warms up. `mark` is left in what is
        delivered alone: neither the state nor the hashes know of it.
        """
        clip = self._clip(plate)
        person = self._subject(subject, settings)
        begun = BoundaryState.from_bytes(state) if state else None
        hashes: list[str] = []
        traces = Traces(mark, settings.label)
        with steady_arithmetic(settings.mode), step("encode"):
            renderer = self._renderer(subject, settings)
            rendered = self._rendered(renderer, poses, frames, settings, begun)
            watched = _report_frames(_hashed(rendered, person.background_HW3, hashes), on_frame)
            pieces = pieces_for(settings, clip, person.background_HW3, poses, recipe, traces)
            segment = pieces.write(watched, frames, out)
        return RenderedRange(
            segment=segment,
            entrance=renderer.entrance.to_bytes(),
            boundary=renderer.state.to_bytes(),
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
    ) -> ProvenJoins:
        """Score the joins between the shot's parts, and mend those that show; files go to `folder`.

        A part is mended as far as the next keyframe after it met its old pictures.
        """
        person = self._subject(subject, settings)
        background_HW3 = person.background_HW3
        traces = Traces(mark, settings.label)
        pieces = pieces_for(settings, self._clip(plate), background_HW3, poses, recipe, traces)

        def mend(part: RenderedPart, state: BoundaryState) -> Mended:
            with steady_arithmetic(settings.mode), step("mend"):
                renderer = self._renderer(subject, settings)
                anew = partial(self._rendered, renderer, poses, settings=settings, state=state)
                return mend_part(part, anew, lambda: renderer.state, background_HW3, pieces, folder)

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
        clip = self._clip(plate)
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
        clip = self._clip(plate)
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
        clip = self._clip(plate)
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

    def _rendered(
        self,
        renderer: Renderer,
        poses: PoseSequence,
        frames: FrameRange,
        settings: RenderSettings,
        state: BoundaryState | None,
    ) -> Iterator[RenderedFrame]:
        card_says = renderer.subject.card.warmup_frames
        wanted = settings.warmup_frames
        return renderer.render(
            poses,
            frames,
            warmup_frames=card_says if wanted is None else wanted,
            state=state,
        )

    def _seers(self, settings: RenderSettings) -> tuple[PoseEstimator, PersonDetector]:
        key = (settings.pose, settings.device, torch.get_num_threads())
        if key not in self._loaded:
            device = choose_device(settings.device)
            estimator = build_estimator(
                settings.pose.model,
                device,
                flip=settings.pose.flip,
                engine=EngineName(settings.pose.engine),
            )
            detector = build_detector(settings.pose.detector, estimator, device)
            self._loaded[key] = estimator, detector
        return self._loaded[key]

    def _renderer(self, folder: Path, settings: RenderSettings) -> Renderer:
        """One on whose engine this many threads may compute."""
        person, device = self._subject(folder, settings), choose_device(settings.device)
        key = (folder, settings.device, settings.engine, torch.get_num_threads())
        if key not in self._painters:
            size = {"height": person.card.height, "width": person.card.width}
            name = EngineName(settings.engine)
            self._painters[key] = painter(person.generator, name, **size, device=device)
        return Renderer(person, device, self._painters[key])

    def _clip(self, plate: Path) -> ClipIndex:
        """The plate, which anybody may have made: first looked at by a process of its own.

        One that is read where it lies was looked at so by whoever submitted it.
        """
        is_local = plate.is_file() and not isinstance(plate, StreamedPath)
        if is_local and plate not in self._probed:
            probe(plate, operator_trust().limits)
            self._probed.add(plate)
        return index_clip(plate)

    def _subject(self, folder: Path, settings: RenderSettings) -> Subject:
        key = (folder, settings.device)
        if key not in self._subjects:
            self._subjects[key] = load_subject(folder, choose_device(settings.device))
        return self._subjects[key]


def _check(shot: Path, clip: ClipIndex, frames: FrameRange, folder: Path) -> DeliveryCheck:
    timeline = clip.timeline.cut(frames).starting_at(clip.timeline.pts[0])
    check = check_delivery(shot, timeline)
    list_video(shot, check, clip, frames).write(folder / VIDEO_LIST)
    return check


def _map_of(segment: Segment, settings: RenderSettings) -> bytes:
    return b"" if settings.codec in FRAME_FORMATS else map_segment(segment.path).to_bytes()


def check_deliverable(clip: ClipIndex, subject: Subject, settings: RenderSettings) -> None:
    """Refuse, before anything is rendered, what could not be delivered.

    Raises:
        PlateError: the plate's sound does not fit the delivery's container.
        UsageError: the picture, the subject's or the plate's, does not fit the codec.
    """
    if settings.codec in FRAME_FORMATS:
        return
    codec = CODECS[settings.codec]
    check_sound(clip.path, clip.custody.companions, codec.suffix)
    height, width = subject.background_HW3.shape[:2]
    if settings.over == Over.PLATE:
        height, width = clip.height, clip.width
    check_size(width, height, codec)


def given_cuts(clip: ClipIndex, settings: RenderSettings) -> tuple[int, ...] | None:
    """The cuts that the settings name, as frames of the clip; None where they are to be found.

    Raises:
        UsageError: the clip has no such frame.
    """
    cuts = parse_cuts(settings.cuts)
    if cuts and cuts[-1] not in clip.frames:
        raise UsageError(f"cuts '{settings.cuts}' are not all in the plate, which is {clip.frames}")
    return cuts


def plate_shape(clip: ClipIndex) -> PlateShape:
    """What solving must know of the clip."""
    rate = float(clip.timeline.rate)
    return PlateShape(width=clip.width, height=clip.height, rate=rate, timeline=clip.timeline)


def given_poses(poses: Path, clip: ClipIndex, frames: FrameRange, *, skeleton: str) -> PoseFile:
    """What the file at `poses` holds of `frames` of the clip.

    Raises:
        UsageError: they cannot be used, or were made of another plate.
        SubjectError: the subject was trained on another skeleton, the one called `skeleton`.
    """
    file = read_pose_file(poses)
    if file.poses.skeleton.name != skeleton:
        raise SubjectError(
            f"poses have the skeleton {file.poses.skeleton.name}, but the subject was trained on"
            f" {skeleton}; pose the plate with a model of that skeleton"
        )
    return file.on_plate(clip.timeline, frames, width=clip.width, height=clip.height)


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
    rendered: Iterator[RenderedFrame], background_HW3: RGB, hashes: list[str]
) -> Iterator[RenderedFrame]:
    for frame in rendered:
        with step("composite"):
            hashes.append(picture_hash(composite(frame, background_HW3)))
        yield frame
