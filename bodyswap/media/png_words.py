"""Which frame a PNG is, in the words that its text chunks carry.

It does not know the picture.
"""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

from PIL import Image

from bodyswap.errors import PlateError, UsageError
from bodyswap.media.exr import FrameLabel
from bodyswap.timecode import Timecode

_USUAL_RATE = "24"
_MOST_RATE = 1000


def words_of(label: FrameLabel) -> dict[str, str]:
    """What a frame's file says of it."""
    code = {"timecode": str(label.timecode)} if label.timecode else {}
    reel = {"reel": label.reel} if label.reel else {}
    return {"frame": str(label.number), "framesPerSecond": str(label.rate), **code, **reel}


def read_words(path: Path) -> dict[str, str]:
    """The text chunks before the picture. Raises PlateError where it is no PNG."""
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            return {str(key): value for key, value in picture.info.items() if type(value) is str}
    # What Pillow raises for a damaged PNG, and for one that says it is huge.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise PlateError(f"{path} cannot be read; it may be damaged or cut short") from error


def label_from(words: Mapping[str, str]) -> FrameLabel:
    """Which frame they are of; 24 a second, number 0 where they say nothing that can be."""
    try:
        number = int(words.get("frame", "0"))
        told = Fraction(words.get("framesPerSecond", "0"))
    except (ValueError, ZeroDivisionError):
        number, told = 0, Fraction(0)
    has_rate = 0 < told <= _MOST_RATE
    rate = told if has_rate else Fraction(_USUAL_RATE)
    return FrameLabel(
        number=number, rate=rate, timecode=_timecode(words, rate), reel=words.get("reel", ""),
        has_rate=has_rate,
    )  # fmt: skip


def _timecode(words: Mapping[str, str], rate: Fraction) -> Timecode | None:
    try:
        return Timecode.parse(words["timecode"], rate) if "timecode" in words else None
    except UsageError:
        return None  # another program's, or at another rate
