"""Every metric of the farm: one table, and the registry that is made of it.

It does not know where figures come from. Labels hold what there are few of: stages, causes, states,
kinds of worker, and projects, of which only so many have a name of their own. No label ever holds a
job, a shard or a worker.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

MOST_PROJECTS = 50
"""The first so many projects heard of have a label of their own; the rest share `OTHER_PROJECT`."""

OTHER_PROJECT = "other"


class Kind(StrEnum):
    """The kinds of metric that Prometheus knows and the farm has."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One row. `name` ends with its unit, where it has one; counters are served as name_total."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    unit: str = ""
    buckets: tuple[float, ...] = ()

    @property
    def full_name(self) -> str:
        return f"bodyswap_{self.name}"


_SHORT_S = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_LONG_S = (1.0, 3.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1800.0, 7200.0)
_RATIOS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0)
_LEVELS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0)
_ABOUT_ONE = (0.8, 0.9, 0.95, 0.98, 1.02, 1.05, 1.1, 1.25, 1.5, 2.0)
_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def _counter(name: str, help: str, *labels: str, unit: str = "") -> Metric:
    return Metric(name=name, kind=Kind.COUNTER, help=help, labels=labels, unit=unit)


def _gauge(name: str, help: str, *labels: str, unit: str = "") -> Metric:
    return Metric(name=name, kind=Kind.GAUGE, help=help, labels=labels, unit=unit)


def _histogram(name: str, help: str, buckets: tuple[float, ...], *labels: str, unit: str) -> Metric:
    return Metric(
        name=name, kind=Kind.HISTOGRAM, help=help, labels=labels, unit=unit, buckets=buckets
    )


METRICS: tuple[Metric, ...] = (
    # What there is, as the controller sees it.
    _gauge("jobs", "Jobs in hand, by state.", "state"),
    _gauge("shards", "Shards of the jobs in hand.", "stage", "state"),
    _gauge("workers", "Live workers: idle, busy or benched.", "state"),
    _gauge(
        "queue_oldest_age_seconds",
        "How long the oldest job that nobody has begun has waited.",
        unit="seconds",
    ),
    _gauge(
        "last_commit_timestamp_seconds",
        "When a shard was last committed; begins as the start.",
        unit="seconds",
    ),
    _gauge(
        "controller_seen_timestamp_seconds", "When the controller last decided.", unit="seconds"
    ),
    # What happened to jobs and shards.
    _counter("jobs_ended", "Jobs that came to an end, by how.", "project", "state"),
    _counter("shards_committed", "Shards whose attempt stands.", "stage"),
    _counter(
        "attempts_failed",
        "Attempts that failed and are retried or given up, by what killed them.",
        "stage",
        "cause",
    ),
    _counter(
        "commits_fenced", "Attempts that came to their end after another had committed.", "stage"
    ),
    _counter("reports_ignored", "Reports of attempts not held, or heard of before.", "kind"),
    _counter("shards_quarantined", "Shards put aside, for they fail whoever tries.", "stage"),
    _counter("workers_benched", "Times a worker was benched for failing shard after shard."),
    _histogram(
        "submit_to_first_commit_seconds",
        "From a job's submission to its first commit.",
        _LONG_S,
        "project",
        unit="seconds",
    ),
    _histogram(
        "eta_error_ratio",
        "How far off the time left was, half way through a stage, as a part of what it came to.",
        _RATIOS,
        "stage",
        unit="ratio",
    ),
    _histogram(
        "shard_seconds", "What a committed shard took its worker.", _LONG_S, "stage", unit="seconds"
    ),
    # What workers measure of their attempts.
    _counter("frames", "Frames finished, discarded attempts' too.", "stage"),
    _histogram(
        "frame_seconds",
        "Worker time a frame, of each committed shard.",
        _SHORT_S,
        "stage",
        unit="seconds",
    ),
    _counter(
        "step_seconds",
        "Where workers' time goes; steps count without those inside them.",
        "stage",
        "step",
        unit="seconds",
    ),
    _counter("work_seconds", "Workers' time in attempts.", "stage", "kind", unit="seconds"),
    _counter(
        "device_seconds",
        "Time in which networks ran: by the GPU's own clock, on a CPU the wall's.",
        "stage",
        unit="seconds",
    ),
    _counter(
        "wasted_seconds",
        "Worker time that gave no frame: retry, fenced, warm-up, repair.",
        "cause",
        unit="seconds",
    ),
    _gauge(
        "peak_memory_bytes",
        "The most that any worker has had, since the controller began.",
        "memory",
        unit="bytes",
    ),
    # The store and the doors.
    _counter("store_requests", "Requests of S3, by operation and answer.", "operation", "outcome"),
    _counter("store_bytes", "Bytes to and from S3.", "direction", unit="bytes"),
    _counter("consent_refusals", "Times a door let nobody through, by reason.", "reason"),
    # Quality.
    _histogram(
        "join_score_levels",
        "How far apart the two sides of a join were, in grey levels.",
        _LEVELS,
        unit="levels",
    ),
    _histogram(
        "join_warping_ratio",
        "The warping error across a join over that of the steps beside it: 1 where none shows.",
        _ABOUT_ONE,
        unit="ratio",
    ),
    _counter(
        "joins",
        "Joins of published shots: clean, mended, over the tolerance as delivered, or cuts.",
        "outcome",
    ),
    _histogram(
        "pose_confidence_ratio", "Mean confidence of a shot's performer.", _SHARES, unit="ratio"
    ),
    # Money.
    _counter(
        "cost", "What workers' time came to, in the currency of farm/costs.yaml.", "project", "kind"
    ),
    _gauge(
        "budget_spent_ratio",
        "The part of its budget that a project has spent.",
        "project",
        unit="ratio",
    ),
)

KEEPER_METRICS: tuple[Metric, ...] = (
    _gauge("controller_up", "1 while the controller tells of itself."),
    _counter("controller_restarts", "Times the controller died and was started again."),
)
"""Of `farm up`, which outlives the controller and Ray."""

LISTENER_METRICS: tuple[Metric, ...] = (
    _counter("events_received", "Arrivals heard of for the first time."),
    _counter("events_duplicated", "Notices of what was heard of before."),
    _counter("events_unmatched", "Notices that fit no rule."),
    _counter("events_swept", "Arrivals that no notice told of, found by looking."),
    _counter("events_dead_lettered", "Messages that are no notices."),
    _counter("events_submitted", "Arrivals made into jobs."),
    _counter("events_answered", "Arrivals answered, with a shot or with why there is none."),
    _gauge("dead_letters", "Messages that lie in the dead-letter queue."),
    _gauge(
        "listener_seen_timestamp_seconds",
        "When the listener last finished a round.",
        unit="seconds",
    ),
)
"""Of `listen`."""

ALL_METRICS = METRICS + KEEPER_METRICS + LISTENER_METRICS


class Meters:
    """The metrics of `rows` in a registry of their own, by name."""

    def __init__(self, rows: tuple[Metric, ...] = METRICS) -> None:
        self.registry = CollectorRegistry()
        self._rows = {row.name: row for row in rows}
        self._meters = {row.name: _make(row, self.registry) for row in rows}
        self._projects: set[str] = set()

    def add(self, name: str, amount: float = 1.0, *labels: str) -> None:
        """Count so much more."""
        self._labelled(name, labels).inc(amount)

    def observe(self, name: str, value: float, *labels: str, trace: str = "") -> None:
        """Put a value into its histogram; `trace` is whose it was, as the exemplar."""
        exemplar = {"trace_id": trace} if trace else None
        self._labelled(name, labels).observe(value, exemplar)

    def put(self, name: str, value: float, *labels: str) -> None:
        self._labelled(name, labels).set(value)

    def put_all(self, name: str, values: Mapping[tuple[str, ...], float]) -> None:
        """Let the gauge have these values and, for labels it had before, 0."""
        for labels in self._labels_of(name) - set(values):
            self.put(name, 0.0, *labels)
        for labels, value in values.items():
            self.put(name, value, *labels)

    def project(self, name: str) -> str:
        """The label of a project: its name, for the first `MOST_PROJECTS` of them."""
        if name not in self._projects and len(self._projects) >= MOST_PROJECTS:
            return OTHER_PROJECT
        self._projects.add(name)
        return name

    def _labels_of(self, name: str) -> set[tuple[str, ...]]:
        order = self._rows[name].labels
        return {
            tuple(sample.labels[label] for label in order)
            for family in self._meters[name].collect()
            for sample in family.samples
        }

    # prometheus-client has no type that all kinds of a metric share.
    def _labelled(self, name: str, labels: tuple[str, ...]) -> Any:  # noqa: ANN401
        meter = self._meters[name]
        return meter.labels(*labels) if labels else meter


def _make(row: Metric, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    match row.kind:
        case Kind.COUNTER:
            return Counter(row.full_name, row.help, row.labels, registry=registry)
        case Kind.GAUGE:
            return Gauge(row.full_name, row.help, row.labels, registry=registry)
        case Kind.HISTOGRAM:
            return Histogram(
                row.full_name, row.help, row.labels, registry=registry, buckets=row.buckets
            )
