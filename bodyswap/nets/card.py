"""A subject's card: what they are, what renders them, and on whose word.

It does not know tensors' values or files other than its own text; `checkpoint` binds both.
"""

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields

import msgspec

from bodyswap.errors import ModelError, SubjectError
from bodyswap.nets.figures import Contraction, HeldOut
from bodyswap.nets.generator import GeneratorConfig
from bodyswap.skeleton import SKELETONS
from bodyswap.stance import StanceStatistics

FORMAT = 2
DEFAULT_WARMUP_FRAMES = 8


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Who the subject is, who agreed to what, and the footage they were learnt from.

    `consent` is "synthetic" for a rendered performer, None where nothing was recorded.
    """

    subject: str
    consent: str | None = None
    footage_sha256: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TrainingRecord:
    """How long the subject was trained, and on how much.

    `started_from` tells whose weights it began with, where it did not begin from nothing.
    """

    steps: int = 0
    seconds: float = 0.0
    frames: int = 0
    started_from: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SubjectCard:
    """Everything about a subject but the weights. Sizes are pixels, sides multiples of 32.

    `stance` holds how large and where the subject stands, which retargeting needs.
    `contraction` and `held_out` are None where nobody measured them.
    `files` maps each file beside the card to its SHA-256.
    """

    origin: Origin
    skeleton: str
    width: int
    height: int
    generator: GeneratorConfig
    stance: StanceStatistics
    warmup_frames: int = DEFAULT_WARMUP_FRAMES
    contraction: Contraction | None = None
    held_out: HeldOut | None = None
    training: TrainingRecord = field(default_factory=TrainingRecord)
    files: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise SubjectError(
                f"card format is {self.format}; this version reads {FORMAT}: train anew"
            )
        if self.skeleton not in SKELETONS:
            known = ", ".join(sorted(SKELETONS))
            raise SubjectError(f"card skeleton '{self.skeleton}' is unknown; known: {known}")
        channels = SKELETONS[self.skeleton].channels
        if self.generator.pose_channels != channels:
            raise SubjectError(
                f"card generator takes pose maps of {self.generator.pose_channels} channels, but "
                f"skeleton '{self.skeleton}' has {channels}; train the subject anew"
            )
        step = self.generator.side_step
        if min(self.width, self.height) < step or self.width % step or self.height % step:
            raise SubjectError(f"card size {self.width}x{self.height} is not in steps of {step}")
        if self.warmup_frames < 0:
            raise SubjectError(f"card warmup_frames is {self.warmup_frames}; at least 0")

    @property
    def name(self) -> str:
        return self.origin.subject

    def to_text(self) -> str:
        """The card as YAML."""
        return msgspec.yaml.encode(_plain(asdict(self))).decode()


def read_card(text: str, source: str) -> SubjectCard:
    """The card in `text`; `source` names it in errors.

    Raises:
        SubjectError: it is not YAML, lacks a field, has one too many, or does not hang together.
    """
    try:
        values = msgspec.yaml.decode(text)
    except msgspec.MsgspecError as error:
        raise SubjectError(f"{source} is not a YAML card: {error}") from error
    if not isinstance(values, dict):
        raise SubjectError(f"{source} is not a subject's card: it holds no fields")
    try:
        _refuse_unknown(values, SubjectCard, source, "")
        for name, schema in _NESTED.items():
            if values.get(name) is not None:
                _refuse_unknown(values[name], schema, source, f"{name}.")
        return msgspec.convert(values, SubjectCard)
    except (msgspec.ValidationError, ModelError) as error:
        raise SubjectError(f"{source} is not a valid card: {error}") from error


_NESTED: dict[str, type] = {
    "origin": Origin,
    "generator": GeneratorConfig,
    "stance": StanceStatistics,
    "contraction": Contraction,
    "held_out": HeldOut,
    "training": TrainingRecord,
}


def _refuse_unknown(values: object, schema: type, source: str, prefix: str) -> None:
    if not isinstance(values, dict):
        raise SubjectError(f"{source}: {prefix.rstrip('.')} holds no fields")
    known = [item.name for item in fields(schema)]
    for key in values:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean '{prefix}{close[0]}'?" if close else f"known: {', '.join(known)}"
            raise SubjectError(f"{source}: field '{prefix}{key}' is unknown; {hint}")


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
