"""Every panel and every rule asks for what is there, and all that is there is asked for."""

import math
import re
import time
from pathlib import Path

import pytest
import yaml
from boards import BOARDS
from dashboards import files
from watched_farm import RULES, Watched, rules, watched_farm

from cluster.jobs.job import JobState
from cluster.metering.metrics import ALL_METRICS, Kind

_NAME = re.compile(r"bodyswap[_:][a-z0-9_:]+")
_SELECTOR = re.compile(r"\b(?:bodyswap[_:][a-z0-9_:]+|up(?=\{))(?:\{[^}]*\})?")


def _panels() -> list[tuple[str, str]]:
    return [
        (f"{board.name}: {panel.title}", expression.replace("$__rate_interval", "1m"))
        for board in BOARDS
        for panel in board.panels
        for expression, _ in panel.asks
    ]


def _alerts() -> dict[str, str]:
    groups = yaml.safe_load((RULES / "alerts.yml").read_text())["groups"]
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


def _series() -> set[str]:
    ends = {Kind.COUNTER: ["_total"], Kind.GAUGE: [""], Kind.HISTOGRAM: ["_bucket"]}
    return {row.full_name + end for row in ALL_METRICS for end in ends[row.kind]}


def test_no_metric_is_without_a_panel_and_no_panel_without_a_metric() -> None:
    recorded = rules()
    asked = {name for _, expression in _panels() for name in _NAME.findall(expression)}
    for name in asked & set(recorded):
        asked |= set(_NAME.findall(recorded[name]))
    assert _series() - asked == set(), "metrics in no panel"
    assert asked - _series() - set(recorded) == set(), "panels, or rules of theirs, of no metric"
    in_rules = {name for text in (*recorded.values(), *_alerts().values())
                for name in _NAME.findall(text)}  # fmt: skip
    assert in_rules - _series() - set(recorded) == set(), "rules of no metric"


@pytest.mark.parametrize("path, text", list(files()), ids=lambda value: getattr(value, "stem", ""))
def test_the_dashboards_files_are_what_their_code_says(path: Path, text: str) -> None:
    assert path.read_text() == text, "run `make dashboards`"


def test_every_panel_and_every_rule_has_something_to_show_after_a_bad_days_work(
    s3_server: str, sqs_server: str, tmp_path: Path
) -> None:
    with watched_farm(tmp_path, s3_server) as watched:
        # What is counted from nothing is seen at nothing first.
        _until(watched, 'bodyswap_attempts_failed_total{stage="render",cause="unexpected"} == 0')
        _until(watched, "bodyswap_events_received_total == 0")
        watched.drop_plate()
        watched.submit_cut_in_four()
        _until(watched, f'sum(bodyswap_jobs_ended_total{{state="{JobState.PUBLISHED}"}}) == 2')
        _until(watched, "bodyswap_events_answered_total == 1")
        _until(watched, "bodyswap:device_busy:ratio5m")
        _tells_what_happened(watched)
        empty = [what for what, asks in _panels() if not _shows(watched, asks)]
        empty += [name for name in rules() if not _shows(watched, name)]
        empty += [
            f"{alert}: {selector}"
            for alert, expression in _alerts().items()
            for selector in _SELECTOR.findall(expression)
            if not watched.prometheus.ask(selector)
        ]
        assert not empty


def _tells_what_happened(watched: Watched) -> None:
    ask = watched.prometheus.ask
    failed = ask("bodyswap_attempts_failed_total > 0")
    assert [(labels["stage"], labels["cause"], count) for labels, count in failed] == [
        ("render", "unexpected", 1)
    ]
    # Seen at 0 before, the first failure is an increase.
    _until(watched, 'increase(bodyswap_attempts_failed_total{cause="unexpected"}[1m]) > 0')
    assert ask('bodyswap_joins_total{outcome="mended"}')[0][1] > 0
    assert ask("bodyswap_events_duplicated_total")[0][1] == 1
    assert ask("bodyswap_dead_letters")[0][1] == 1
    assert ask('bodyswap_store_requests_total{operation="PutObject",outcome="ok"}')[0][1] > 0
    assert ask('bodyswap_store_bytes_total{direction="sent"}')[0][1] > 1000
    assert ask("bodyswap_cost_total")[0][1] > 0
    assert ask("bodyswap_controller_up")[0][1] == 1


def _shows(watched: Watched, expression: str) -> bool:
    """True where there is a line to draw."""
    return any(math.isfinite(value) for _, value in watched.prometheus.ask(expression))


def _until(watched: Watched, expression: str) -> None:
    deadline_s = time.monotonic() + 60
    while not watched.prometheus.ask(expression):
        assert time.monotonic() < deadline_s, f"never: {expression}"
        time.sleep(0.2)
