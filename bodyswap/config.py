"""Every setting of a render, with its default. What the environment says is in `environment`.

It does not know the command line: text overrides arrive as `key=value` and leave as settings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Self

from bodyswap.choice import AUTO_CUTS, PerformerChoice, parse_cuts
from bodyswap.errors import UsageError
from bodyswap.replacement import ReplacingSettings
from bodyswap.settings_text import merged_values, settings_from
from bodyswap.timing import AUTO_RATE, parse_rate

POSE_SEARCH_EVERY = 24
"""At frames whose number is a multiple of this, people are searched for anew; a pose pass that
begins at one sees the same people as a pass over the whole plate."""


_MOST_LABEL_LETTERS = 60
AUTO_COLOUR = "auto"
COLOUR_VIEWS = (AUTO_COLOUR, "plain", "aces")
SMOOTHINGS = ("zero-lag", "one-euro", "off")


class Mode(StrEnum):
    """How temporal state crosses a join between shards."""

    FAST = "fast"
    EXACT = "exact"


class Over(StrEnum):
    """What the subject is laid over: the background they were filmed before, or the plate itself,
    in the performer's place."""

    OWN = "own"
    PLATE = "plate"


class EngineName(StrEnum):
    """What runs the networks. `auto` is the fastest that was measured to be as good."""

    AUTO = "auto"
    EAGER = "eager"
    BF16 = "bf16"
    FP16 = "fp16"
    COMPILED = "compiled"
    COMPILED_BF16 = "compiled-bf16"
    OPENVINO = "openvino"
    OPENVINO_BF16 = "openvino-bf16"
    ONNX = "onnx"
    TENSORRT = "tensorrt"


class CodecName(StrEnum):
    """What a delivery is written as: a row of `media.codec`, or of `media.frame_files`."""

    H264 = "h264"
    H264_10 = "h264-10"
    HEVC = "hevc"
    HEVC_10 = "hevc-10"
    PRORES_HQ = "prores-hq"
    PRORES_4444 = "prores-4444"
    DNXHR_HQ = "dnxhr-hq"
    DNXHR_HQX = "dnxhr-hqx"
    FFV1 = "ffv1"
    FFV1_ALPHA = "ffv1-alpha"
    PNG = "png"
    TIFF = "tiff"
    EXR = "exr"
    EXR_DWAA = "exr-dwaa"


_LAYERED = (
    CodecName.PRORES_4444, CodecName.FFV1_ALPHA, CodecName.PNG, CodecName.TIFF, CodecName.EXR,
    CodecName.EXR_DWAA,
)  # fmt: skip
"""Codecs that hold the subject cut out."""


@dataclass(frozen=True, kw_only=True)
class PoseSettings:
    """How people are found and posed.

    `model` names a file of configs/pose, or is a path to one; `detector` a file of
    configs/detector, or a path to one, where "pose" means: people are found by the pose model.
    With `flip`, the last look at each person is averaged with one at their mirror image.
    """

    model: str = "rtmpose-t-bodyswap"
    detector: str = "pose"
    flip: bool = True
    engine: str = "auto"
    batch_frames: int = 8

    def __post_init__(self) -> None:
        _check_engine(self.engine, key="pose.engine")


@dataclass(frozen=True, kw_only=True)
class SolveSettings:
    """How one performer's track is cleaned before it is retargeted.

    Without `retarget` the poses are only scaled from the plate's picture to the subject's: right
    for footage of the subject themselves. `performer` is who gives the motion: auto, largest,
    longest, a track's id, or x,y@frame (see `choice`). `smoothing` is zero-lag (over the whole
    shot), one-euro (as in a stream) or off; `smoothing_s` is about how long a time it smooths over.
    """

    longest_gap_s: float = 0.25
    smoothing: str = "zero-lag"
    smoothing_s: float = 0.1
    least_confidence: float = 0.3
    retarget: bool = True
    performer: str = "auto"

    def __post_init__(self) -> None:
        PerformerChoice.parse(self.performer)
        if self.smoothing not in SMOOTHINGS:
            choices = ", ".join(SMOOTHINGS)
            raise UsageError(f"solve.smoothing '{self.smoothing}' is unknown; choose {choices}")
        if self.smoothing_s < 0 or self.longest_gap_s < 0:
            raise UsageError(
                f"solve.smoothing_s is {self.smoothing_s} and solve.longest_gap_s "
                f"{self.longest_gap_s}; neither can be negative"
            )


@dataclass(frozen=True, kw_only=True)
class ColourSettings:
    """What a plate's values mean, and in what light EXR frames are written.

    `input` is auto, as the plate's own tags say, or a colour space of `config`, one of
    OpenColorIO's built-in ones. `output` is auto, the plate's own light or else linear Rec.709, or
    such a space of linear light. `view` brings the plate to the display that people and networks
    look at: plain, cut off at black and white; aces, the ACES SDR rendering of that config; auto is
    aces for PQ and HLG.
    """

    config: str = "studio-config-v4.0.0_aces-v2.0_ocio-v2.5"
    input: str = AUTO_COLOUR
    output: str = AUTO_COLOUR
    view: str = AUTO_COLOUR

    def __post_init__(self) -> None:
        if self.view not in COLOUR_VIEWS:
            known = ", ".join(COLOUR_VIEWS)
            raise UsageError(f"colour.view '{self.view}' is unknown; choose one of {known}")


@dataclass(frozen=True, kw_only=True)
class RenderSettings:
    """A whole render. `warmup_frames` None means: as many as the subject's card asks for.

    A join at which an 8x8 block differs by more than `join_tolerance` grey levels is mended. `cuts`
    are auto (found), none, or the frames cut to, such as 1042,1100: nothing carries over them.
    `rate` is frames a second, such as 25, 23.976 or 24000/1001, of a plate that is frames; auto is
    what its files say, or else 24.
    With `crop` the network sees a window around the person, of one size for the whole shot, instead
    of the whole picture: several times as fast where they are small in it.
    Without `watermark` a consent must say that frames may go unmarked; `label` is drawn into the
    picture for everybody to see, such as "AI-generated".
    `over` is own, the subject's own background, or plate: in the performer's place (see `Over`).
    """

    mode: Mode = Mode.FAST
    codec: str = "h264"
    over: str = "own"
    device: str = "auto"
    engine: str = "auto"
    crop: bool = False
    warmup_frames: int | None = None
    rate: str = AUTO_RATE
    cuts: str = AUTO_CUTS
    join_tolerance: float = 2.0
    watermark: bool = True
    label: str = ""
    colour: ColourSettings = field(default_factory=ColourSettings)
    pose: PoseSettings = field(default_factory=PoseSettings)
    solve: SolveSettings = field(default_factory=SolveSettings)
    replacing: ReplacingSettings = field(default_factory=ReplacingSettings)

    def __post_init__(self) -> None:
        if self.codec not in list(CodecName):
            known = ", ".join(CodecName)
            raise UsageError(f"codec '{self.codec}' is unknown; choose one of {known}")
        if self.over not in list(Over):
            known = ", ".join(Over)
            raise UsageError(f"over '{self.over}' is unknown; choose one of {known}")
        _check_engine(self.engine, key="engine")
        parse_cuts(self.cuts)
        parse_rate(self.rate)
        _check_label(self.label, self.codec)
        if self.label and self.over == Over.PLATE:
            raise UsageError(
                f"label '{self.label}' would change the plate, which stays untouched outside the"
                " performer; leave it out, or label the finished picture"
            )
        if self.replacing.segmenter and self.over != Over.PLATE:
            raise UsageError(
                f"replacing.segmenter '{self.replacing.segmenter}' cuts nobody out where the"
                " subject is laid over their own background; give --over plate too"
            )
        if self.warmup_frames is not None and self.warmup_frames < 0:
            raise UsageError(f"warmup_frames is {self.warmup_frames}; it cannot be negative")
        if not self.join_tolerance >= 0:
            raise UsageError(
                f"join_tolerance is {self.join_tolerance}; give grey levels, 0 or more"
            )
        if self.pose.batch_frames < 1:
            raise UsageError(f"pose.batch_frames is {self.pose.batch_frames}; give at least 1")

    def to_dict(self) -> dict[str, object]:
        """Plain values only, as YAML and JSON hold them."""
        return asdict(self) | {"mode": str(self.mode)}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Settings that differ from the defaults by `values`. Raises UsageError at unknown keys."""
        return settings_from(cls, values)

    def with_overrides(self, overrides: Sequence[str]) -> Self:
        """These settings, changed by `key=value` texts such as "pose.batch_frames=4"."""
        return self.from_dict(merged_values(self.to_dict(), overrides))


def _check_label(text: str, codec: str) -> None:
    if len(text) > _MOST_LABEL_LETTERS or (text and not text.isprintable()):
        raise UsageError(
            f"label '{text[:_MOST_LABEL_LETTERS]}' cannot be drawn; give one line of at most"
            f" {_MOST_LABEL_LETTERS} printable letters"
        )
    if text and codec in _LAYERED:
        raise UsageError(
            f"codec '{codec}' holds the subject cut out, and a label would be lost over the"
            " next background; give a codec without alpha, or label the finished picture"
        )


def _check_engine(name: str, *, key: str) -> None:
    if name not in list(EngineName):
        known = ", ".join(EngineName)
        raise UsageError(f"{key} '{name}' is unknown; choose one of {known}")
