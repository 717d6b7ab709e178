"""Every alert fires on what it is for, in promtool's hands, and has a page that says what to do."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_server import PROMTOOL

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus"


def _alerts() -> list[dict[str, dict[str, str]]]:
    groups = yaml.safe_load((RULES / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _promtool(*arguments: str) -> str:
    done = subprocess.run([PROMTOOL, *arguments], cwd=RULES, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_the_configuration_and_every_rule() -> None:
    _promtool("check", "config", "prometheus.yml", "prometheus-kubernetes.yml")


def test_each_alert_fires_once_on_what_it_is_for() -> None:
    tests = yaml.safe_load((RULES / "alerts_test.yml").read_text())["tests"]
    fired = {
        check["alertname"]
        for test in tests
        for check in test["alert_rule_test"]
        if len(check["exp_alerts"]) == 1
    }
    assert fired == {str(rule["alert"]) for rule in _alerts()}
    assert "SUCCESS" in _promtool("test", "rules", "alerts_test.yml")


@pytest.mark.parametrize("rule", _alerts(), ids=lambda rule: str(rule["alert"]))
def test_each_alert_has_a_page_that_says_what_it_means_and_what_to_do(
    rule: dict[str, dict[str, str]],
) -> None:
    named = re.sub(r"(?<!^)(?=[A-Z])", "-", str(rule["alert"])).lower()
    assert rule["annotations"]["runbook"] == f"deploy/runbooks/{named}.md"
    page = (DEPLOY / "runbooks" / f"{named}.md").read_text()
    assert page.startswith(f"# {rule['alert']}\n")
    for part in ("**Means.**", "**Look.**", "**Do.**"):
        assert part in page
    for linked in re.findall(r"\]\(([a-z-]+\.md)\)", page):
        assert (DEPLOY / "runbooks" / linked).exists(), linked
    assert rule["labels"]["severity"] in ("page", "ticket")


def test_commands_that_pages_name_exist(capsys: pytest.CaptureFixture[str]) -> None:
    from typer.main import get_command

    from cluster.cli.app import app

    verbs = set(get_command(app).commands)  # type: ignore[attr-defined]  # it is a group
    for page in (DEPLOY / "runbooks").glob("*.md"):
        for verb in re.findall(r"`bodyswap ([a-z-]+)", page.read_text()):
            assert verb in verbs, f"{page.name}: bodyswap {verb}"
