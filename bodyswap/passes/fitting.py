"""Whether a plate, a subject, the settings and given poses fit together, and what each says of it.

It does not render: what does not fit is refused before anything is.
"""

from pathlib import Path

from bodyswap.choice import cuts_within
from bodyswap.config import Over, RenderSettings
from bodyswap.encode import FRAME_FORMATS, check_hdr_kept, codec_of
from bodyswap.errors import SubjectError
from bodyswap.keypoints.posefile import PoseFile, read_pose_file
from bodyswap.media.companions import check_sound
from bodyswap.media.index import ClipIndex
from bodyswap.media.sound import check_readable_sound
from bodyswap.media.writer import check_size
from bodyswap.nets.checkpoint import Subject
from bodyswap.solve import PlateShape
from bodyswap.timing import FrameRange


def check_deliverable(clip: ClipIndex, subject: Subject, settings: RenderSettings) -> None:
    """Refuse, before anything is rendered, what could not be delivered.

    Raises:
        PlateError: the plate's sound does not fit the delivery's container.
        UsageError: the picture, the subject's or the plate's, does not fit the codec; or the plate
            is HDR, which it could not keep.
    """
    check_hdr_kept(settings, clip)
    if settings.codec in FRAME_FORMATS:
        check_readable_sound(clip)
        return
    codec = codec_of(settings, clip)
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
    return cuts_within(settings.cuts, len(clip), clip.first_number)


def plate_shape(clip: ClipIndex) -> PlateShape:
    """What solving must know of the clip."""
    rate = float(clip.timeline.rate)
    return PlateShape(
        width=clip.width, height=clip.height, rate=rate, timeline=clip.timeline,
        first_number=clip.first_number,
    )  # fmt: skip


def given_poses(poses: Path, clip: ClipIndex, frames: FrameRange, *, skeleton: str) -> PoseFile:
    """What the file at `poses` holds of `frames` of the clip.

    Raises:
        UsageError: they cannot be used, or were made of another plate.
        SubjectError: the subject was trained on another skeleton, the one called `skeleton`.
    """
    file = read_pose_file(poses, clip.first_number)
    if file.poses.skeleton.name != skeleton:
        raise SubjectError(
            f"poses have the skeleton {file.poses.skeleton.name}, but the subject was trained on"
            f" {skeleton}; pose the plate with a model of that skeleton"
        )
    return file.on_plate(clip.timeline, frames, width=clip.width, height=clip.height)
