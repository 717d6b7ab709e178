"""Which objects become jobs, and how: the listener's configuration.

Pure but for `read_rules`: it does not know queues or stores. A rule's `pattern` may name groups,
and `project` and `deliver_to` may use them in braces, beside {stem}, {job} and {subject}.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath

import msgspec

from bodyswap.config import RenderSettings
from bodyswap.errors import UsageError
from cluster.events.notification import PlacedObject
from cluster.jobs.job import DEFAULT_PRIORITY, DEFAULT_USE, HIGHEST_PRIORITY

SIDECAR = "shot.yaml"
MOST_SIDECAR_BYTES = 1 << 16
_BUCKET_URL = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{2,62})/(?P<prefix>.*)")


class Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a sidecar beside a plate may say: everything left out stays as the rule has it."""

    subject: str | None = None
    settings: dict[str, object] = msgspec.field(default_factory=dict)
    frames: str | None = None
    project: str | None = None
    use: str | None = None
    priority: int | None = None


class SequenceRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a folder of frames is whole: once it holds `marker`, or has not changed for so long."""

    marker: str = ""
    quiet_s: float = 120.0


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """Objects of `bucket` that fit become jobs for `subject`, delivered to `deliver_to`."""

    name: str
    bucket: str
    subject: str
    prefix: str = ""
    suffix: str = ""
    pattern: str = ""
    settings: dict[str, object] = msgspec.field(default_factory=dict)
    project: str = "default"
    use: str = DEFAULT_USE
    priority: int = DEFAULT_PRIORITY
    deliver_to: str = ""
    most_bytes: int = 200 * 1000**3
    sequence: SequenceRule | None = None

    def __post_init__(self) -> None:
        self._check_pattern()
        RenderSettings.from_dict(self.settings)
        if not 0 <= self.priority <= HIGHEST_PRIORITY:
            raise UsageError(f"rule '{self.name}': priority {self.priority} is not in 0 to 99")
        if self.deliver_to and not _BUCKET_URL.fullmatch(self.deliver_to):
            raise UsageError(
                f"rule '{self.name}': deliver_to '{self.deliver_to}' is no s3://bucket/prefix/"
            )
        if self.sequence is not None and self.sequence.quiet_s < 0:
            raise UsageError(f"rule '{self.name}': quiet_s {self.sequence.quiet_s} is below 0")
        self.filled(self.project, dict.fromkeys(self._known_names(), "x"))
        self.filled(self.deliver_to, dict.fromkeys(self._known_names(), "x"))

    def match(self, placed: PlacedObject) -> dict[str, str] | None:
        """The names that the object's key fills, or None where the rule is not for it."""
        fits = (
            placed.bucket == self.bucket
            and placed.key.startswith(self.prefix)
            and placed.key.endswith(self.suffix)
            and PurePosixPath(placed.key).name != SIDECAR
        )
        found = self._regex.fullmatch(placed.key) if fits else None
        if found is None:
            return None
        groups = {name: text or "" for name, text in found.groupdict().items()}
        return {"stem": PurePosixPath(placed.key).stem, "subject": self.subject} | groups

    def filled(self, template: str, names: Mapping[str, str]) -> str:
        """The template with the names in braces replaced. Raises UsageError at unknown ones."""
        try:
            return template.format_map(names)
        except (KeyError, ValueError, IndexError, AttributeError) as error:
            known = ", ".join(sorted(self._known_names()))
            raise UsageError(
                f"rule '{self.name}': '{template}' cannot be filled ({error}); known: {known}"
            ) from error

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        return re.compile(self.pattern or ".*", re.DOTALL)

    def _check_pattern(self) -> None:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise UsageError(f"rule '{self.name}': pattern '{self.pattern}': {error}") from error

    def _known_names(self) -> set[str]:
        return {"stem", "subject", "job", *self._regex.groupindex}


class ListenConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a listener is told: queues by URL, rules in order, how often it looks by itself.

    Answers go to the queue `answers`, and to the SNS topic `answers_topic`, an ARN.
    """

    rules: list[Rule]
    queue: str = ""
    dead_letter: str = ""
    answers: str = ""
    answers_topic: str = ""
    sweep_every_s: float = 300.0

    def rule_for(self, placed: PlacedObject) -> Rule | None:
        """The first rule that fits."""
        return next((rule for rule in self.rules if rule.match(placed) is not None), None)

    def rule_named(self, name: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.name == name), None)


def read_rules(path: Path) -> ListenConfig:
    """The listener's configuration. Raises UsageError where it cannot be read or meant."""
    try:
        config = msgspec.yaml.decode(path.read_bytes(), type=ListenConfig)
    except OSError as error:
        raise UsageError(f"rules '{path}' cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"rules '{path}': {error}") from error
    names = [rule.name for rule in config.rules]
    if len(set(names)) < len(names):
        raise UsageError(f"rules '{path}': two rules have one name: {', '.join(names)}")
    if not names:
        raise UsageError(f"rules '{path}' name no rule; without one nothing becomes a job")
    return config


def read_sidecar(data: bytes | None) -> Ask:
    """What the plate's sidecar asks for. Raises UsageError where it cannot be meant."""
    if data is None:
        return Ask()
    if len(data) > MOST_SIDECAR_BYTES:
        raise UsageError(f"{SIDECAR} has {len(data)} bytes; {MOST_SIDECAR_BYTES} at most")
    try:
        return msgspec.yaml.decode(data, type=Ask)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UsageError(f"{SIDECAR}: {error}") from error


def split_bucket_url(url: str) -> tuple[str, str]:
    """Bucket and prefix of s3://bucket/prefix/. Raises UsageError where it is none."""
    found = _BUCKET_URL.fullmatch(url)
    if found is None:
        raise UsageError(f"'{url}' is no s3://bucket/prefix/")
    return found["bucket"], found["prefix"]
