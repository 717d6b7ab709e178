"""What is on each Grafana dashboard: which questions, under which titles.

It does not know Grafana; `dashboards` builds its files of this. Every metric of
`cluster.metering.metrics` is in a panel here, and every panel asks for metrics that exist:
tests/deploy proves both against a farm that runs.
"""

from dataclasses import dataclass

_EVERY = "[$__rate_interval]"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One chart: `asks` are pairs of an expression and what its lines are called."""

    title: str
    asks: tuple[tuple[str, str], ...]
    unit: str = "short"
    kind: str = "lines"
    says: str = ""


@dataclass(frozen=True, kw_only=True)
class Board:
    name: str
    title: str
    panels: tuple[Panel, ...]

    @property
    def uid(self) -> str:
        return f"bodyswap-{self.name}"


def _lines(title: str, *asks: tuple[str, str], unit: str = "short", says: str = "") -> Panel:
    return Panel(title=title, asks=asks, unit=unit, says=says)


def _areas(title: str, *asks: tuple[str, str], unit: str = "short", says: str = "") -> Panel:
    return Panel(title=title, asks=asks, unit=unit, says=says, kind="areas")


def _number(title: str, ask: str, *, unit: str = "short", says: str = "") -> Panel:
    return Panel(title=title, asks=((ask, title),), unit=unit, says=says, kind="number")


def _heat(title: str, name: str, *, unit: str, says: str = "") -> Panel:
    ask = f"sum by (le) (increase(bodyswap_{name}_bucket{_EVERY}))"
    return Panel(title=title, asks=((ask, "{{le}}"),), unit=unit, says=says, kind="heat")


def _rate(name: str, by: str) -> str:
    return f"sum by ({by}) (rate(bodyswap_{name}_total{_EVERY}))"


def _count(name: str, by: str) -> str:
    return f"sum by ({by}) (increase(bodyswap_{name}_total{_EVERY}))"


def _quantile(part: float, name: str, by: str = "") -> str:
    group = f"le, {by}" if by else "le"
    return f"histogram_quantile({part}, sum by ({group}) (rate(bodyswap_{name}_bucket{_EVERY})))"


FARM = Board(
    name="farm",
    title="bodyswap / farm",
    panels=(
        _number("controllers up", "sum(bodyswap_controller_up)"),
        _number(
            "since the controller decided",
            "time() - max(bodyswap_controller_seen_timestamp_seconds)",
            unit="s",
        ),
        _number("since a commit", "time() - max(bodyswap_last_commit_timestamp_seconds)", unit="s"),
        _number("oldest waiting job", "max(bodyswap_queue_oldest_age_seconds)", unit="s"),
        _number(
            "controller restarts, 1 h", "sum(increase(bodyswap_controller_restarts_total[1h]))"
        ),
        _number(
            "attempts that fail, 1 h", "bodyswap:attempt_failures:ratio_rate1h", unit="percentunit"
        ),
        _areas("jobs in hand", ("sum by (state) (bodyswap_jobs)", "{{state}}")),
        _areas(
            "shards in hand", ("sum by (stage, state) (bodyswap_shards)", "{{stage}} {{state}}")
        ),
        _lines(
            "frames a second",
            ("bodyswap:frames:rate5m", "{{stage}}"),
            says="All workers together; frames of attempts that are thrown away are in it.",
        ),
        _lines("shards committed", (_count("shards_committed", "stage"), "{{stage}}")),
        _areas(
            "attempts failed, by what killed them",
            (
                _count("attempts_failed", "stage, cause")
                + " > 0 or "
                + _count("attempts_failed", "stage"),
                "{{stage}} {{cause}}",
            ),
        ),
        _lines(
            "fenced and put aside",
            (_count("commits_fenced", "stage"), "{{stage}} fenced"),
            (_count("shards_quarantined", "stage"), "{{stage}} quarantined"),
            (_count("reports_ignored", "kind"), "{{kind}} reports"),
            says="Fenced: somebody else had committed first. Quarantined: it fails everybody."
            " Stale or repeated reports change nothing; many of them tell of two farms on a store.",
        ),
    ),
)

JOBS = Board(
    name="jobs",
    title="bodyswap / jobs and cost",
    panels=(
        _lines("jobs ended", (_count("jobs_ended", "project, state"), "{{project}} {{state}}")),
        _lines(
            "from submission to the first commit",
            (_quantile(0.5, "submit_to_first_commit_seconds", "project"), "{{project}} median"),
            (_quantile(0.95, "submit_to_first_commit_seconds", "project"), "{{project}} p95"),
            unit="s",
        ),
        _lines(
            "a shard's time",
            (_quantile(0.5, "shard_seconds", "stage"), "{{stage}} median"),
            (_quantile(0.95, "shard_seconds", "stage"), "{{stage}} p95"),
            unit="s",
        ),
        _heat(
            "how far off the time left was",
            "eta_error_ratio",
            unit="percentunit",
            says="Half way through a stage, as a part of what the rest came to.",
        ),
        _lines(
            "cost a hour",
            (f"3600 * {_rate('cost', 'project, kind')}", "{{project}} {{kind}}"),
            says="In the currency of farm/costs.yaml.",
        ),
        _number("cost, 24 h", "sum(increase(bodyswap_cost_total[24h]))"),
        _lines(
            "cost of a finished frame",
            (
                "sum(increase(bodyswap_cost_total[1h])) /"
                ' sum(increase(bodyswap_frames_total{stage="render"}[1h]))',
                "a frame",
            ),
        ),
        _lines(
            "budgets spent",
            ("max by (project) (bodyswap_budget_spent_ratio)", "{{project}}"),
            unit="percentunit",
        ),
    ),
)

WORKERS = Board(
    name="workers",
    title="bodyswap / workers",
    panels=(
        _areas("workers", ("sum by (state) (bodyswap_workers)", "{{state}}")),
        _lines(
            "device busy, of workers' time",
            ("bodyswap:device_busy:ratio5m", "{{stage}}"),
            unit="percentunit",
            says="Networks' own time on the device, by its clock.",
        ),
        _areas(
            "workers' time",
            (_rate("work_seconds", "stage, kind"), "{{stage}} {{kind}}"),
            unit="s",
            says="Worker seconds a second.",
        ),
        _areas(
            "where it goes", (_rate("step_seconds", "stage, step"), "{{stage}} {{step}}"), unit="s"
        ),
        _lines("networks' time", (_rate("device_seconds", "stage"), "{{stage}}"), unit="s"),
        _areas("wasted", (_rate("wasted_seconds", "cause"), "{{cause}}"), unit="s"),
        _number("wasted, of the last hour", "bodyswap:wasted:ratio_rate1h", unit="percentunit"),
        _lines(
            "time a frame",
            (_quantile(0.5, "frame_seconds", "stage"), "{{stage}} median"),
            (_quantile(0.95, "frame_seconds", "stage"), "{{stage}} p95"),
            unit="s",
        ),
        _lines(
            "frames a worker and second",
            (f"{_rate('frames', 'stage')} / {_rate('work_seconds', 'stage')}", "{{stage}}"),
        ),
        _lines(
            "peak memory",
            ("max by (memory) (bodyswap_peak_memory_bytes)", "{{memory}}"),
            unit="bytes",
        ),
        _number("benched, 24 h", "sum(increase(bodyswap_workers_benched_total[24h]))"),
    ),
)

STORE = Board(
    name="store",
    title="bodyswap / S3 and events",
    panels=(
        _lines("requests", (_rate("store_requests", "operation"), "{{operation}}"), unit="reqps"),
        _lines(
            "requests that failed",
            (
                'sum by (operation, outcome) (rate(bodyswap_store_requests_total{outcome!="ok"}'
                f"{_EVERY}))",
                "{{operation}} {{outcome}}",
            ),
            unit="reqps",
        ),
        _number("errors, 5 min", "bodyswap:store_errors:ratio_rate5m", unit="percentunit"),
        _lines("bytes", (_rate("store_bytes", "direction"), "{{direction}}"), unit="Bps"),
        _number("dead letters", "max(bodyswap_dead_letters)"),
        _number(
            "since the listener's last round",
            "time() - max(bodyswap_listener_seen_timestamp_seconds)",
            unit="s",
        ),
        _lines(
            "events",
            (f"sum(increase(bodyswap_events_received_total{_EVERY}))", "received"),
            (f"sum(increase(bodyswap_events_duplicated_total{_EVERY}))", "heard before"),
            (f"sum(increase(bodyswap_events_unmatched_total{_EVERY}))", "fit no rule"),
            (f"sum(increase(bodyswap_events_swept_total{_EVERY}))", "found by looking"),
            (f"sum(increase(bodyswap_events_dead_lettered_total{_EVERY}))", "dead letters"),
        ),
        _lines(
            "arrivals",
            (f"sum(increase(bodyswap_events_submitted_total{_EVERY}))", "made jobs"),
            (f"sum(increase(bodyswap_events_answered_total{_EVERY}))", "answered"),
        ),
    ),
)

QUALITY = Board(
    name="quality",
    title="bodyswap / quality and joins",
    panels=(
        _heat(
            "join scores",
            "join_score_levels",
            unit="short",
            says="Largest mean difference of an 8x8 block, in grey levels of 255.",
        ),
        _heat(
            "warping error across joins",
            "join_warping_ratio",
            unit="percentunit",
            says="Over that of the steps beside each: 100 % where none can see it.",
        ),
        _lines("joins", (_count("joins", "outcome"), "{{outcome}}")),
        _number(
            "joins delivered over the tolerance, 24 h",
            'sum(increase(bodyswap_joins_total{outcome="open"}[24h]))',
        ),
        _heat("confidence of poses", "pose_confidence_ratio", unit="percentunit"),
        _lines(
            "confidence of poses, median",
            (_quantile(0.5, "pose_confidence_ratio"), "median"),
            unit="percentunit",
        ),
        _lines(
            "let through no door",
            (_count("consent_refusals", "reason"), "{{reason}}"),
            says="Consents that were missing, revoked, or covered something else.",
        ),
    ),
)

BOARDS = (FARM, JOBS, WORKERS, STORE, QUALITY)
