"""A clean plate as a file: a still for the whole shot, or a clip with a picture for each frame.

It does not know how it is laid behind anybody. Shape letters: H rows, W columns, 3 = RGB.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from bodyswap.decode import picture_at, pictures_of
from bodyswap.errors import UsageError
from bodyswap.frames import RGB
from bodyswap.media.index import ClipIndex
from bodyswap.replacing.supplied import SuppliedPlate
from bodyswap.timing import FrameRange


@dataclass(frozen=True, kw_only=True)
class CleanPlateFile:
    """A clip that fits a plate: its first frame stands for the plate's frame `-offset`."""

    clip: ClipIndex
    offset: int

    @property
    def is_still(self) -> bool:
        return len(self.clip) == 1

    def picture(self, index: int) -> RGB:
        """What stands behind the plate's frame `index`."""
        return next(self.pictures(FrameRange(start=index, stop=index + 1)))

    def pictures(self, frames: FrameRange) -> Iterator[RGB]:
        """What stands behind each of the plate's `frames`."""
        if self.is_still:
            still_HW3 = picture_at(self.clip, 0)
            yield from (still_HW3 for _ in frames)
            return
        start, stop = frames.start + self.offset, frames.stop + self.offset
        yield from pictures_of(self.clip, FrameRange(start=start, stop=stop))

    @property
    def supplied(self) -> SuppliedPlate:
        return SuppliedPlate(picture=self.picture, is_still=self.is_still)


def fit_clean_plate(clip: ClipIndex, plate: ClipIndex, frames: FrameRange) -> CleanPlateFile:
    """The clip as the set behind `frames` of the plate.

    One of as many frames as the plate goes with it frame by frame; a sequence of fewer, by the
    numbers of its files.

    Raises:
        UsageError: it is of another size, or lacks some of the frames.
    """
    if (clip.width, clip.height) != (plate.width, plate.height):
        raise UsageError(
            f"the clean plate {clip.path.name} is {clip.width}x{clip.height}, and the plate is"
            f" {plate.width}x{plate.height}; give one as the camera saw it"
        )
    if len(clip) in (1, len(plate)):
        return CleanPlateFile(clip=clip, offset=0)
    offset = plate.first_number - clip.first_number
    has_all = frames.start + offset >= 0 and frames.stop + offset <= len(clip)
    if not clip.files or not has_all:
        raise UsageError(
            f"the clean plate {clip.path.name} has {len(clip)} frames"
            + (f" from {clip.first_number} on" if clip.files else "")
            + f", and the plate {len(plate)}; give a still, or a picture for each of frames"
            f" {frames}"
        )
    return CleanPlateFile(clip=clip, offset=offset)
