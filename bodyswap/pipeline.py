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

from bodyswap.composite import composite, cut_out
from bodyswap.config import PoseSettings, RenderSettings
from bodyswap.decode import decode
from bodyswap.device import choose_device, steady_arithmetic
from bodyswap.encode import CODECS, Segment, encode
from bodyswap.errors import SubjectError
from bodyswap.frames import RGB, RGBA, FrameBatch
from bodyswap.joins import ProvenJoins, RenderedPart
from bodyswap.keypoints.camera import CameraWatch
from bodyswap.keypoints.detector import PersonDetector, build_detector
from bodyswap.keypoints.estimator import PoseEstimator, build_estimator
from bodyswap.keypoints.posefile import PoseFile, read_pose_file
from bodyswap.media.check import check_delivery
from bodyswap.media.companions import check_sound
from bodyswap.media.concat import concat
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.media.writer import check_size
from bodyswap.mending import Mended, mend_part, picture_hash, prove_joins
from bodyswap.nets.checkpoint import Subject, load_subject
from bodyswap.pairing import check_skeleton
from bodyswap.people import Detections, PoseSequence
from bodyswap.pose import estimate_poses
from bodyswap.render import BoundaryState, Renderer
from bodyswap.solve import PlateShape, Solution, solve, solve_given
from bodyswap.timing import FrameRange

OnFrame = Callable[[int], None]
"""Called with the number of frames finished so far."""


@dataclass(frozen=True, kw_only=True)
class RenderedRange:
    """A closed segment, and what joining it to its neighbours takes.

    `entrance` is the temporal state that its first frame was made from, `boundary` the one that
    its successor may start from.
    """

    segment: Segment
    entrance: bytes
    boundary: bytes
    picture_hashes: tuple[str, ...]


class Pipeline:
    """The stages, wired; models stay loaded between calls, so one instance serves a warm worker."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[PoseSettings, str], tuple[PoseEstimator, PersonDetector]] = {}
        self._subjects: dict[tuple[Path, str], Subject] = {}

    def pose_range(
        self, plate: Path, frames: FrameRange, *, settings: RenderSettings, on_frame: OnFrame
    ) -> Detections:
        """Everyone seen in `frames` of the plate, and how the camera moved meanwhile."""
        clip = index_clip(plate)
        with_next = FrameRange(start=frames.start, stop=min(frames.stop + 1, len(clip)))
        batches = decode(clip, with_next, batch_frames=settings.pose.batch_frames)
        camera = CameraWatch(frames)
        estimator, detector = self._seers(settings)
        with steady_arithmetic(settings.mode):
            watched = _report_batches(camera.passing(batches), on_frame)
            people = estimate_poses(watched, frames, estimator, detector)
            return replace(people, camera_N33=camera.motion(people))

    def solve_shot(
        self,
        detections: Detections,
        plate: Path,
        frames: FrameRange,
        subject: Path,
        settings: RenderSettings,
    ) -> Solution:
        """One performer's poses over the whole shot, in the plate's and the subject's pixels."""
        clip = index_clip(plate)
        shape = plate_shape(clip)
        person = self._subject(subject, settings)
        check_deliverable(clip, person, settings)
        card = person.card
        check_skeleton(detections.skeleton.name, settings.pose.model, card)
        return solve(detections, frames, plate=shape, stance=card.stance, settings=settings.solve)

    def solve_given_poses(
        self,
        poses: Path,
        plate: Path,
        frames: FrameRange,
        subject: Path,
        settings: RenderSettings,
    ) -> Solution:
        """The same from a corrected poses.npz, in place of the pose pass."""
        clip = index_clip(plate)
        person = self._subject(subject, settings)
        check_deliverable(clip, person, settings)
        given = given_poses(poses, clip, frames, skeleton=person.card.skeleton)
        shape, stance = plate_shape(clip), person.card.stance
        return solve_given(
            given.poses, given.camera_N33, plate=shape, stance=stance, settings=settings.solve
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
    ) -> RenderedRange:
        """The subject in `poses`, over their own background, as a closed segment at `out`.

        A codec with alpha holds the subject cut out, over nothing. With `state`, a predecessor's
        boundary, it goes on from there; without, it warms up.
        """
        clip = index_clip(plate)
        person = self._subject(subject, settings)
        renderer = Renderer(person, device=choose_device(settings.device))
        begun = BoundaryState.from_bytes(state) if state else None
        pictures = self._pictures(renderer, poses, frames, settings, begun)
        hashes: list[str] = []
        with steady_arithmetic(settings.mode):
            segment = encode(
                _report_frames(_hashed(pictures, hashes), on_frame),
                out,
                timeline=clip.timeline,
                frames=frames,
                codec=CODECS[settings.codec],
            )
        return RenderedRange(
            segment=segment,
            entrance=renderer.entrance.to_bytes(),
            boundary=renderer.state.to_bytes(),
            picture_hashes=tuple(hashes),
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
    ) -> ProvenJoins:
        """Score the joins between the shot's parts, and mend those that show; files go to `folder`.

        A part is mended as far as the next keyframe after it met its old pictures.
        """
        timeline = index_clip(plate).timeline

        def mend(part: RenderedPart, state: BoundaryState) -> Mended:
            renderer = Renderer(self._subject(subject, settings), choose_device(settings.device))
            anew = partial(self._pictures, renderer, poses, settings=settings, state=state)
            with steady_arithmetic(settings.mode):
                return mend_part(
                    part, anew, lambda: renderer.state, timeline, CODECS[settings.codec], folder
                )

        return prove_joins(parts, tolerance=settings.join_tolerance, mend=mend)

    def assemble_shot(
        self,
        segments: list[Path],
        plate: Path,
        frames: FrameRange,
        out: Path,
        *,
        settings: RenderSettings,
    ) -> None:
        """Join the segments on the plate's own timeline, and prove it by decoding every frame."""
        clip = index_clip(plate)
        timeline, first_pts = clip.timeline.cut(frames), clip.timeline.pts[0]
        concat(segments, timeline, out, first_pts=first_pts, plate=clip)
        check_delivery(out, timeline.starting_at(first_pts))

    def _pictures(
        self,
        renderer: Renderer,
        poses: PoseSequence,
        frames: FrameRange,
        settings: RenderSettings,
        state: BoundaryState | None,
    ) -> Iterator[RGB | RGBA]:
        subject = renderer.subject
        rendered = renderer.render(
            poses,
            frames,
            warmup_frames=(
                subject.card.warmup_frames
                if settings.warmup_frames is None
                else settings.warmup_frames
            ),
            state=state,
        )
        for frame in rendered:
            if CODECS[settings.codec].has_alpha:
                yield cut_out(frame)
            else:
                yield composite(frame, subject.background_HW3)

    def _seers(self, settings: RenderSettings) -> tuple[PoseEstimator, PersonDetector]:
        key = (settings.pose, settings.device)
        if key not in self._loaded:
            device = choose_device(settings.device)
            estimator = build_estimator(settings.pose.model, device, flip=settings.pose.flip)
            detector = build_detector(settings.pose.detector, estimator, device)
            self._loaded[key] = estimator, detector
        return self._loaded[key]

    def _subject(self, folder: Path, settings: RenderSettings) -> Subject:
        key = (folder, settings.device)
        if key not in self._subjects:
            self._subjects[key] = load_subject(folder, choose_device(settings.device))
        return self._subjects[key]


def check_deliverable(clip: ClipIndex, subject: Subject, settings: RenderSettings) -> None:
    """Refuse, before anything is rendered, what could not be delivered.

    Raises:
        PlateError: the plate's sound does not fit the delivery's container.
        UsageError: the subject's picture does not fit the codec.
    """
    codec = CODECS[settings.codec]
    check_sound(clip.path, clip.custody.companions, codec.suffix)
    height, width = subject.background_HW3.shape[:2]
    check_size(width, height, codec)


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


def _hashed(pictures: Iterator[RGB | RGBA], hashes: list[str]) -> Iterator[RGB | RGBA]:
    for picture in pictures:
        hashes.append(picture_hash(picture))
        yield picture


def _report_frames(pictures: Iterator[RGB | RGBA], on_frame: OnFrame) -> Iterator[RGB | RGBA]:
    for done, picture in enumerate(pictures, start=1):
        yield picture
        on_frame(done)
