"""`bodyswap work` tells of its jobs: the store for `why`, and whoever listens over HTTP."""

import json
from pathlib import Path

import pytest
from command_line import run_command
from tiny_farm import make_farm
from web_hearer import SECRET, listening

from cluster.cli.checkup import check_webhooks
from cluster.notices.outbox import Outbox
from cluster.notices.settings import load_webhooks
from cluster.telling.farm_seen import FarmSeen, see_farm, tell_farm, tell_starting


def test_a_real_farms_job_is_heard_of_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    farm = make_farm(tmp_path)
    # Its plate is text, which the real pipeline refuses.
    job = farm.client.submit(farm.request())
    with listening() as hearer:
        file = tmp_path / "webhooks.yaml"
        file.write_text(f"endpoints: [{{url: '{hearer.url}'}}]\n")
        monkeypatch.setenv("BODYSWAP_WEBHOOKS", str(file))
        monkeypatch.setenv("BODYSWAP_WEBHOOK_SECRET", SECRET)
        code, _, err = run_command(
            capsys, "work", "--job", job, "--runtime", "inline", "--store", farm.store.url
        )
        assert (code, hearer.states()) == (3, ["submitted", "planned", "posing", "failed"])
        assert hearer.heard[-1]["data"]["why"] in err
        assert check_webhooks(farm.store.url) == "1 endpoint for changes of jobs"
    seen = see_farm(farm.store)
    assert seen is not None and [worker.name for worker in seen.workers] == ["inline"]
    code, said, _ = run_command(capsys, "why", job, "pose-0", "--store", farm.store.url, "--json")
    told = json.loads(said)
    assert (code, told["waits_for"]) == (0, "retry")
    assert "was given up after 1 failure on inline, at last: " in told["sentence"]


def test_a_farm_that_begins_to_start_says_so_and_never_for_one_that_works(tmp_path: Path) -> None:
    store = make_farm(tmp_path).store
    tell_starting(store, "first", 1e9)
    seen = see_farm(store)
    assert seen is not None and seen.is_starting and seen.controller == "first"
    tell_farm(store, FarmSeen(controller="first", at_s=1e9 + 20))
    tell_starting(store, "second", 1e9 + 30)
    seen = see_farm(store)
    assert seen is not None and (seen.controller, seen.is_starting) == ("first", False)
    tell_starting(store, "second", 1e9 + 500)
    seen = see_farm(store)
    assert seen is not None and (seen.controller, seen.is_starting) == ("second", True)


def test_the_checkup_tells_wrong_settings_and_what_was_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    farm = make_farm(tmp_path)
    assert "nobody is told" in check_webhooks(farm.store.url)
    monkeypatch.setenv("BODYSWAP_WEBHOOKS", str(tmp_path / "webhooks.yaml"))
    monkeypatch.setenv("BODYSWAP_WEBHOOK_SECRET", SECRET)
    (tmp_path / "webhooks.yaml").write_text("endpoints: [{url: 'https://hooks.example.com/x'}]")
    job = farm.client.submit(farm.request())
    outbox = Outbox(farm.store)
    settings = load_webhooks()
    assert settings is not None
    outbox.write(job, settings.endpoints)
    outbox.give_up(outbox.due(2e9 * 2)[0], "410 Gone")
    assert "1 message given up, the last to https://hooks.example.com/x: 410 Gone" in (
        check_webhooks(farm.store.url)
    )
