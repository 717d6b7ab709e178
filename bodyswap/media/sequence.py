"""Image sequences as plates: OpenEXR, PNG, DPX, TIFF and JPEG files with a number in their name.

It does not know what the pictures show. Each file is a frame; the clock is the rate's.
"""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from fileseq.exceptions import FileSeqException
from fileseq.filesequence import FileSequence
from fileseq.frameset import FrameSet

from bodyswap.errors import PlateError
from bodyswap.frames import RGB
from bodyswap.media.colour import SRGB, ColourTags
from bodyswap.media.custody import HdrMetadata
from bodyswap.media.exr import FrameLabel, read_label, read_light, read_primaries
from bodyswap.media.png_16 import read_hdr
from bodyswap.media.png_words import label_from, read_words
from bodyswap.media.working import Working
from bodyswap.timing import Timeline

DEFAULT_RATE = Fraction(24)
_UNLABELLED = FrameLabel(number=0, rate=DEFAULT_RATE, has_rate=False)
_PIPES = {".png": "png_pipe", ".dpx": "dpx_pipe", ".tif": "tiff_pipe", ".tiff": "tiff_pipe",
          ".jpg": "jpeg_pipe", ".jpeg": "jpeg_pipe"}  # fmt: skip
SUFFIXES = frozenset({".exr", *_PIPES})


def is_sequence(path: Path) -> bool:
    """Whether the name means many files: `shot.#.exr`, `shot.%04d.exr`, `shot.1001-1100#.exr`."""
    if path.is_file() or path.suffix.lower() not in SUFFIXES:
        return False
    return any(mark in path.name for mark in "#@%") or "-" in path.name


def find_files(pattern: Path) -> tuple[int, tuple[Path, ...]]:
    """The number of the first frame, and the files in order.

    A pattern with a range, `shot.1010-1020#.exr`, means those frames; without, all there are.

    Raises:
        PlateError: there are none, or one is missing in between.
    """
    try:
        asked = FileSequence(str(pattern))
        found = asked if asked.frameSet() else FileSequence.findSequenceOnDisk(str(pattern))
        numbers = [int(number) for number in found.frameSet() or ()]
        files = tuple(Path(found.frame(number)) for number in numbers)
    except FileSeqException as error:
        raise PlateError(f"no frames are called {pattern}: {error}") from error
    there = {path for path in files if path.is_file()}
    missing = [n for n, path in zip(numbers, files, strict=True) if path not in there]
    if numbers and not missing:
        missing = sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers))
    if missing or not numbers:
        lacking = FrameSet(missing) if missing else "every frame"
        raise PlateError(f"{pattern} lacks {lacking}; copy the missing files, or name a range")
    return numbers[0], files


def sequences_in(folder: Path) -> tuple[Path, ...]:
    """The pattern of each sequence of frames in the folder and in those just below it."""
    inside = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    patterns = (
        each / f"{found.basename()}#{found.extension()}"
        for each in (folder, *inside)
        for found in FileSequence.findSequencesOnDisk(str(each))
        if found.frameSet() and found.extension().lower() in SUFFIXES
    )
    return tuple(sorted(patterns))


def prefix_of(name: str) -> str:
    """What comes before the number: "plate." of "plate.1001.exr" or of "plate.#.exr"."""
    return str(FileSequence(name).basename())


def stem_of(name: str) -> str:
    """What a sequence is called without number and suffix: "plate" of "plate.1001.exr"."""
    return prefix_of(name).rstrip("._-")


def padding_of(path: Path) -> int:
    """How many digits the number has at least in the name of this frame's file."""
    return int(FileSequence(str(path)).zfill())


def in_order(files: tuple[Path, ...]) -> tuple[int, tuple[Path, ...]]:
    """The number of the first of these files, which are one sequence, and all of them in order."""
    if not files:
        raise PlateError("there are no frames in it")
    first = FileSequence(str(files[0]))
    pattern = f"{first.dirname()}{first.basename()}#{first.extension()}"
    number, found = find_files(Path(pattern))
    if set(found) != set(files):
        raise PlateError(f"{files[0].parent} holds more than one sequence")
    return number, found


def label_of(path: Path) -> FrameLabel:
    """What the first file says of the sequence; files that say nothing are at 24 a second."""
    if path.suffix.lower() == ".exr":
        return read_label(path)
    return label_from(read_words(path)) if path.suffix.lower() == ".png" else _UNLABELLED


def clock(count: int, rate: Fraction) -> Timeline:
    """Frames as evenly spaced as the rate says."""
    pts = tuple(index * rate.denominator for index in range(count))
    return Timeline(pts=pts, time_base=Fraction(1, rate.numerator), rate=rate)


def working_of(path: Path) -> Working:
    """What the file's own tags say of its values."""
    if path.suffix.lower() == ".exr":
        return Working.of_light(read_primaries(path))
    return Working.of_tags(ColourTags.of_frame(_decoded(path)))


def hdr_of(path: Path) -> HdrMetadata | None:
    """The display that the file says it was mastered on, and its light levels."""
    return read_hdr(path) if path.suffix.lower() == ".png" else None


def read_picture(path: Path, working: Working | None = None) -> RGB:
    """The file as 8-bit display values, (H, W, 3), by its own tags or as `working` has it.

    Raises:
        PlateError: it cannot be read.
    """
    if path.suffix.lower() == ".exr":
        return (working or working_of(path)).seen(read_light(path))
    if working is not None and working.needs_depth:
        return working.seen(read_codes_16(path) / np.float32(65535))
    frame = _decoded(path)
    tags = SRGB if frame.format.is_rgb else ColourTags.of_frame(frame)
    return tags.to_rgb(frame)


def size_of(path: Path) -> tuple[int, int]:
    """The picture's height and width. Raises PlateError where it cannot be read."""
    if path.suffix.lower() == ".exr":
        height, width = read_light(path).shape[:2]
        return height, width
    frame = _decoded(path)
    return frame.height, frame.width


def bits_of(path: Path) -> int:
    """How many bits each value of the file has; floats count as 16."""
    if path.suffix.lower() == ".exr":
        return 16
    return int(_decoded(path).format.components[0].bits)


def read_codes_16(path: Path) -> npt.NDArray[np.uint16]:
    """The file's display values in 16 bits, (H, W, 3); those of 16 bits unchanged."""
    return np.asarray(_decoded(path).to_ndarray(format="rgb48le"), np.uint16)


def _decoded(path: Path) -> VideoFrame:
    options = {"protocol_whitelist": "file"}
    try:
        kind = _PIPES[path.suffix.lower()]
        with av.open(f"file:{path}", format=kind, options=options) as container:
            return next(container.decode(video=0))
    except (av.FFmpegError, StopIteration) as error:
        raise PlateError(f"{path} cannot be read; it may be damaged or cut short") from error
