"""A verdict on a published shot is kept, told by webhook, and the last one counts."""

import json
from pathlib import Path

import pytest
from command_line import run_command
from tiny_farm import TinyFarm, make_farm
from web_hearer import SECRET, listening

from bodyswap.rights.audit import Event
from bodyswap.rights.trust import operator_trust
from cluster.client import Client
from cluster.delivering.approval import latest_ruling
from cluster.jobs.journal import Journal, Ruling
from cluster.notices.courier import Courier
from cluster.notices.settings import Endpoint, WebhookSettings
from cluster.rights.audit_log import read_verified


@pytest.fixture
def farm(tmp_path: Path) -> TinyFarm:
    return make_farm(tmp_path)


def test_a_verdict_is_in_log_and_journal_and_the_last_one_counts(
    farm: TinyFarm, capsys: pytest.CaptureFixture[str]
) -> None:
    job = farm.client.submit(farm.request())
    store = ("--store", farm.store.url)
    code, _, wrong = run_command(capsys, "approve", job, *store)
    assert code == 8 and "not published yet" in wrong
    farm.run_inline(job)
    code, told, _ = run_command(capsys, "reject", job, "--note", "the hand flickers", *store)
    assert code == 0 and "rejected: the hand flickers, as " in told
    code, told, _ = run_command(capsys, "approve", job, "--json", *store)
    assert code == 0 and json.loads(told)["ruling"] == "approved" and json.loads(told)["by"]
    log = read_verified(farm.store, operator_trust()).entries
    events = [entry.fact.event for entry in log[-2:]]
    assert events == [Event.REJECTED, Event.APPROVED]
    assert log[-2].fact.detail.startswith("the hand flickers (shot ")
    ruling = latest_ruling(log, job)
    assert ruling is not None and ruling.fact.event is Event.APPROVED
    assert [entry.ruling for entry in Journal(farm.store, job).read()[-2:]] == [
        Ruling.REJECTED, Ruling.APPROVED,
    ]  # fmt: skip
    assert farm.client.status(job).state == "published"
    code, _, wrong = run_command(capsys, "approve", job, "--note", "x" * 2001, *store)
    assert code == 2 and "2000 can be kept" in wrong


def test_whoever_runs_the_farm_tells_of_a_verdict_that_was_given_elsewhere(farm: TinyFarm) -> None:
    job = farm.client.submit(farm.request())
    with listening() as hearer:
        settings = WebhookSettings(endpoints=[Endpoint(url=hearer.url)], secret=SECRET)
        courier = Courier(farm.store, settings, look_every_s=0.02)
        farm.run_inline(job, courier.hear)
        Client(farm.store, by="lena").reject(job, "too soft")
        courier.close()
        assert [each["type"] for each in hearer.heard[-2:]] == ["job.published", "job.rejected"]
        assert hearer.heard[-1]["data"]["why"] == "rejected: too soft"
    assert farm.store.list_keys("outbox/") == []
