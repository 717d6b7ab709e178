"""What is set otherwise in some frames of a shot. Pure: it does not know jobs."""

from dataclasses import dataclass

from bodyswap.errors import UsageError
from bodyswap.timing import FrameRange

_SOLVING = "solve."
_OF_A_RANGE = ("engine", "warmup_frames")


@dataclass(frozen=True, kw_only=True)
class RangeSettings:
    """What is set otherwise in some frames of a shot: texts such as "solve.smoothing_s=0.05"."""

    frames: FrameRange
    settings: tuple[str, ...]

    def __post_init__(self) -> None:
        for text in self.settings:
            key = text.partition("=")[0]
            if not key.startswith(_SOLVING) and key not in _OF_A_RANGE:
                raise UsageError(
                    f"'{key}' cannot be set for frames {self.frames} alone, only for a whole shot;"
                    f" of a range there are solve.*, {' and '.join(_OF_A_RANGE)}"
                )

    @property
    def of_solving(self) -> tuple[str, ...]:
        return tuple(text for text in self.settings if text.startswith(_SOLVING))
