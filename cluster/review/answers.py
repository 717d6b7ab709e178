"""What the JSON API answers, beside the farm's own dataclasses. Values only."""

from dataclasses import dataclass

from bodyswap.joins import Join
from cluster.jobs.job import Stage
from cluster.jobs.progress import JobStatus


@dataclass(frozen=True, kw_only=True)
class StatusAnswer(JobStatus):
    """A job's status and its joins, as `status --json` prints them."""

    joins: tuple[Join, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ShardAnswer:
    """A shard: `state` is waiting, running, failed, given up or done; `frames` as people say it."""

    name: str
    stage: Stage
    state: str
    frames: str
    frame_count: int
    worker: str
    attempts: int
    errors: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class JoinMark:
    """Where two render shards meet: the number of the frame after it; scores once measured."""

    number: int
    is_cut: bool
    block: float | None
    mended_frames: int


@dataclass(frozen=True, kw_only=True)
class TimelineAnswer:
    """The job's frames from number `first` on: each one's time, name and confidence of its pose.

    `rendered` are half-open places in the job's frames; `confidence` is None until it is solved.
    """

    first: int
    width: int
    height: int
    rate: float
    times_s: tuple[float, ...]
    timecodes: tuple[str, ...]
    rendered: tuple[tuple[int, int], ...]
    joins: tuple[JoinMark, ...]
    confidence: tuple[float, ...] | None
    tolerance: float
    is_over: bool


@dataclass(frozen=True, kw_only=True)
class Limb:
    """From joint to joint, in pixels."""

    x1: float
    y1: float
    x2: float
    y2: float
    confidence: float


@dataclass(frozen=True, kw_only=True)
class PoseAnswer:
    """A frame's performer in the plate and the subject as rendered, as limbs."""

    number: int
    width: int
    height: int
    performer: tuple[Limb, ...]
    subject: tuple[Limb, ...]


@dataclass(frozen=True, kw_only=True)
class ConsentAnswer:
    """Whether a consent covers the shot now; else why not. The last three once it is published.

    `is_signed` tells whether the deliverables carry their provenance.
    """

    holds: bool
    subject: str
    consent: str = ""
    is_synthetic: bool = False
    why: str = ""
    watermark: str = ""
    is_signed: bool = False
    deliverables: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RulingAnswer:
    """Somebody's verdict on a published shot; `at` is seconds since 1970."""

    job: str
    ruling: str
    by: str
    at: float
    why: str


@dataclass(frozen=True, kw_only=True)
class RerenderAnswer:
    """The render shards that are asked for once more."""

    job: str
    frames: str
    shards: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ShareAnswer:
    """The path of a link that shows the job to whoever has it, and how long it does."""

    path: str
    lasts_s: int


@dataclass(frozen=True, kw_only=True)
class ErrorAnswer:
    """What was wrong, and what to do."""

    error: str
