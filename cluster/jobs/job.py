"""What a job is: its request with everything resolved, its states, its identity.

Pure: it does not know stores, workers or clocks.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache

import msgspec

from bodyswap.config import Mode, Over, RenderSettings
from bodyswap.errors import UsageError
from bodyswap.timing import AUTO_RATE, FrameRange, assumed_rate
from cluster.jobs.ranges import RangeSettings
from cluster.jobs.refs import CastRef, PlateRef, PosesRef, SubjectRef
from cluster.stores.record import content_hash

HIGHEST_PRIORITY = 99
DEFAULT_PRIORITY = 50
DEFAULT_PROJECT = "default"
DEFAULT_USE = "stunt"
"""What a render is for, where nothing else is said: consents name the uses they cover."""
_ID_LENGTH = 16


class Stage(StrEnum):
    """The farm's four kinds of work, in the order a job goes through them."""

    POSE = "pose"
    SOLVE = "solve"
    RENDER = "render"
    ASSEMBLE = "assemble"


class JobState(StrEnum):
    """How far a job is, and whether that is its end. What follows what: `may_become`."""

    is_final: bool
    """True where the farm does nothing more for the job until somebody asks for it."""

    SUBMITTED = "submitted", False
    PLANNED = "planned", False
    POSING = "posing", False
    SOLVING = "solving", False
    RENDERING = "rendering", False
    ASSEMBLING = "assembling", False
    VERIFYING = "verifying", False
    PUBLISHED = "published", True
    PAUSED = "paused", False
    CANCELLED = "cancelled", True
    FAILED = "failed", True
    QUARANTINED = "quarantined", True

    def __new__(cls, value: str, is_final: bool) -> "JobState":
        member = str.__new__(cls, value)
        member._value_ = value
        member.is_final = is_final
        return member

    def may_become(self, later: "JobState") -> bool:
        """True where a job goes from here to `later`.

        Forward along the way, and aside at any time. Back onto the way from a pause, and from an
        end that is not published: by resuming, by a retry, by submitting again.
        """
        match self:
            case JobState.PUBLISHED:
                return False
            case JobState.CANCELLED | JobState.FAILED | JobState.QUARANTINED:
                return later in _WAYS_BACK
            case JobState.PAUSED:
                return later in (*_WAYS_BACK, *_ASIDE) and later is not self
            case _:
                return later in _ASIDE or later in _WAY[_WAY.index(self) + 1 :]


@lru_cache(maxsize=1024)
def _resolved(settings: bytes) -> RenderSettings:
    """Kept, since a farm has thousands of jobs of a few settings, and checking them takes long."""
    return RenderSettings.from_dict(msgspec.json.decode(settings))


_WAYS_BACK = (JobState.SUBMITTED, JobState.PLANNED)
_ASIDE = (JobState.PAUSED, JobState.CANCELLED, JobState.FAILED, JobState.QUARANTINED)
_WAY = tuple(state for state in JobState if state not in _ASIDE)

STATE_OF_STAGE = {
    Stage.POSE: JobState.POSING,
    Stage.SOLVE: JobState.SOLVING,
    Stage.RENDER: JobState.RENDERING,
    Stage.ASSEMBLE: JobState.ASSEMBLING,
}


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """One render, resolved: `settings` is `RenderSettings.to_dict()` in full.

    `shards` None leaves their number to the planner. `poses` stand in for the pose pass where
    somebody corrected them; `ranges`, in frame order, say what is set otherwise where. `cast` is
    replaced beside the performer whom the subject stands in for, before `clean_plate` if one was
    given. The fields from `name` on do not change what is rendered and are no part of the id, but
    for `project` and `use`, by which consents are asked.
    """

    plate: PlateRef
    subject: SubjectRef
    frames: FrameRange
    settings: dict[str, object]
    software: str
    shards: int | None = None
    poses: PosesRef | None = None
    ranges: tuple[RangeSettings, ...] = ()
    cast: tuple[CastRef, ...] = ()
    clean_plate: PlateRef | None = None
    name: str = ""
    project: str = DEFAULT_PROJECT
    use: str = DEFAULT_USE
    priority: int = DEFAULT_PRIORITY
    budget: float | None = None
    submitted_at: str = ""
    submitted_by: str = ""

    def __post_init__(self) -> None:
        if not len(self.frames):
            raise UsageError("a job of no frames was asked for; give at least one")
        if self.frames.stop > self.plate.frame_count:
            numbers = self.plate.numbers(self.frames)
            raise UsageError(f"frames {numbers} are beyond {self.plate.name}'s last frame")
        self._check_ranges()
        self._check_cast()
        if self.shards is not None and not 1 <= self.shards <= len(self.frames):
            raise UsageError(
                f"{len(self.frames)} frames cannot be cut into {self.shards} shards; give 1 to"
                f" {len(self.frames)}"
            )
        if not 0 <= self.priority <= HIGHEST_PRIORITY:
            raise UsageError(f"priority {self.priority} is not within 0 to {HIGHEST_PRIORITY}")
        if self.budget is not None and not self.budget > 0:
            raise UsageError(f"a budget of {self.budget} lets nothing be done; give more than 0")

    @cached_property
    def job(self) -> str:
        """The job's id: the same request gives the same one, whoever asks and when."""
        identity: tuple[object, ...] = (
            self.plate.sha256,
            self.subject.digest,
            (self.frames.start, self.frames.stop),
            self.settings,
            self.software,
            self.shards,
        )
        # Jobs without poses keep the ids they had before there were any.
        if self.poses is not None:
            identity = (*identity, self.poses.sha256)
        if self.ranges:
            identity = (*identity, [(str(each.frames), each.settings) for each in self.ranges])
        if self.replacing:
            identity = (*identity, self.replacing)
        # They decide whose consent counts; jobs of nobody's production keep the ids they had.
        if (self.project, self.use) != (DEFAULT_PROJECT, DEFAULT_USE):
            identity = (*identity, {"project": self.project, "use": self.use})
        return content_hash(identity)[:_ID_LENGTH]

    @property
    def subjects(self) -> tuple[SubjectRef, ...]:
        """Everybody who is rendered, each once, the lead first."""
        others = (each.subject for each in self.cast if each.subject is not None)
        return tuple({each.digest: each for each in (self.subject, *others)}.values())

    @property
    def replacing(self) -> dict[str, object]:
        """By content, what replacing takes beside plate and subject; empty where that is all."""
        cast = [(each.performer, each.subject and each.subject.digest) for each in self.cast]
        clean = self.clean_plate
        return {
            **({"cast": cast} if cast else {}),
            **({"clean_plate": (clean.sha256, clean.name.rpartition(".")[2])} if clean else {}),
        }

    @cached_property
    def picture_id(self) -> str:
        """What a picture is marked with: the same for every job that makes it of the same things.

        Neither which frames, nor in how many shards, nor whose poses: a frame that would come out
        the same in two jobs is the same with its mark.
        """
        made_of: tuple[object, ...] = (
            self.plate.sha256, self.subject.digest, self.settings, self.software,
            *([self.replacing] if self.replacing else []),
        )  # fmt: skip
        return content_hash(made_of)[:_ID_LENGTH]

    @property
    def assumed(self) -> tuple[str, ...]:
        """What nobody said and was taken for granted, in sentences."""
        if self.plate.has_rate or self.settings.get("rate", AUTO_RATE) != AUTO_RATE:
            return ()
        return (assumed_rate(self.plate.name),)

    @property
    def is_exact(self) -> bool:
        """True where each render shard goes on from the one before it."""
        return self.settings["mode"] == Mode.EXACT

    @cached_property
    def render_settings(self) -> RenderSettings:
        return _resolved(msgspec.json.encode(self.settings))

    def settings_for(self, stage: Stage, frames: FrameRange) -> RenderSettings:
        """The settings that a shard of `stage` over `frames` is made with."""
        for each in self.ranges if stage is Stage.RENDER else ():
            if each.frames.start <= frames.start and frames.stop <= each.frames.stop:
                return self.settings_in(each)
        return self.render_settings

    def settings_in(self, part: RangeSettings) -> RenderSettings:
        return self.render_settings.with_overrides(part.settings)

    def _check_cast(self) -> None:
        given = "a clean plate" if self.clean_plate else "several performers" if self.cast else ""
        if given and self.settings.get("over") != Over.PLATE:
            raise UsageError(
                f"{given} cannot be used where the subject is laid over their own background; give"
                " --over plate too"
            )
        if self.cast and self.poses is not None:
            raise UsageError(
                "the poses given are of one performer, and several are to be replaced; leave the"
                " poses out, or replace one"
            )

    def _check_ranges(self) -> None:
        last, numbers = self.frames.start, self.plate.numbers
        for each in self.ranges:
            if each.frames.start < last or each.frames.stop > self.frames.stop:
                raise UsageError(
                    f"frames {numbers(each.frames)} overlap with another range or are not all in"
                    f" the job's {numbers(self.frames)}"
                )
            if each.of_solving and self.settings.get("over") == Over.PLATE:
                raise UsageError(
                    f"solve.* of frames {numbers(each.frames)} alone cannot be set with over=plate,"
                    " which replaces one performer over the whole shot; set it for the shot"
                )
            self.settings_in(each)  # refuses what is no setting
            last = each.frames.stop
