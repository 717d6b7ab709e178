"""Webhooks on a real HTTP server: signed, tried again, given up, and never told by halves."""

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from tiny_farm import TinyFarm, make_farm
from web_hearer import SECRET, Hearer, listening

from cluster.jobs.job import JobState
from cluster.jobs.keys import JobKeys
from cluster.notices.courier import Courier, Delivered, deliver, pause_s
from cluster.notices.outbox import Letter, Outbox
from cluster.notices.post import signed_headers
from cluster.notices.program import call
from cluster.notices.settings import Endpoint, WebhookSettings
from cluster.stores.record import to_json

WAY = ["submitted", "planned", "posing", "solving", "rendering", "assembling", "published"]


@pytest.fixture
def farm(tmp_path: Path) -> TinyFarm:
    return make_farm(tmp_path)


class Clock:
    """The true time, and what a test adds to it; signatures are of no other."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


def _settings(hearer: Hearer, *states: JobState, most_attempts: int = 8) -> WebhookSettings:
    endpoint = Endpoint(url=hearer.url, states=[str(state) for state in states])
    return WebhookSettings(endpoints=[endpoint], secret=SECRET, most_attempts=most_attempts)


def _published(farm: TinyFarm) -> str:
    job = farm.client.submit(farm.request())
    farm.run_inline(job)
    return job


def test_every_change_of_a_real_job_is_heard_once_and_in_order(farm: TinyFarm) -> None:
    with listening() as hearer:
        job = farm.client.submit(replace(farm.request(), name="SH010", project="heist"))
        courier = Courier(farm.store, _settings(hearer), look_every_s=0.02)
        farm.run_inline(job, courier.hear)
        courier.close()
        assert [state for state in hearer.states() if state != "verifying"] == WAY
        assert len(set(hearer.ids)) == len(hearer.ids)
        last = hearer.heard[-1]
        assert (last["type"], last["data"]["was"]) == ("job.published", hearer.states()[-2])
        assert (last["data"]["name"], last["data"]["project"]) == ("SH010", "heist")
        again = Courier(farm.store, _settings(hearer), look_every_s=0.02)
        again.hear(farm.client.status(job))
        again.close()
        assert hearer.states().count("published") == 1
        assert farm.store.list_keys("outbox/") == []


def test_a_server_that_fails_twice_hears_the_same_message_until_it_takes_it(
    farm: TinyFarm,
) -> None:
    job, clock = _published(farm), Clock()
    with listening(500, 503) as hearer:
        settings, outbox = _settings(hearer, JobState.PUBLISHED), Outbox(farm.store)
        assert outbox.write(job, settings.endpoints) == 1
        assert deliver(outbox, settings, clock=clock) == Delivered(failed=1)
        assert deliver(outbox, settings, clock=clock) == Delivered(), "not before its pause is over"
        clock.ahead_s += 6.1
        assert deliver(outbox, settings, clock=clock) == Delivered(failed=1)
        clock.ahead_s += 6.1
        assert deliver(outbox, settings, clock=clock) == Delivered(), "the second pause is longer"
        clock.ahead_s += 18.0
        # Another process goes on from what the store has of it.
        assert deliver(Outbox(farm.store), settings, clock=clock) == Delivered(taken=1)
        assert len(hearer.ids) == 3 and len(set(hearer.ids)) == 1
        assert hearer.states() == ["published"] * 3
        signed_at = [int(headers["webhook-timestamp"]) for headers in hearer.headers]
        assert signed_at == sorted(signed_at) and signed_at[2] - signed_at[0] >= 30
    assert outbox.write(job, settings.endpoints) == 0 and outbox.dead() == []
    assert farm.store.list_keys("outbox/") == []


def test_a_letter_is_dead_after_so_many_attempts_and_is_kept_with_the_last_answer(
    farm: TinyFarm,
) -> None:
    job, clock = _published(farm), Clock()
    with listening(500, 500, 500) as hearer:
        settings = _settings(hearer, JobState.PUBLISHED, most_attempts=3)
        outbox = Outbox(farm.store)
        outbox.write(job, settings.endpoints)
        rounds = []
        for _ in range(4):
            rounds.append(deliver(outbox, settings, clock=clock))
            clock.ahead_s += 60.0
        assert rounds == [
            Delivered(failed=1), Delivered(failed=1), Delivered(dead=1), Delivered(),
        ]  # fmt: skip
        assert len(hearer.heard) == 3
    (dead,) = Outbox(farm.store).dead()
    assert (dead.job, dead.attempts, dead.answer) == (job, 3, "500 Internal Server Error")
    assert outbox.write(job, settings.endpoints) == 0, "what was given up is not begun anew"


def test_a_server_that_is_gone_for_good_is_not_asked_again(farm: TinyFarm) -> None:
    job = _published(farm)
    with listening(410) as hearer:
        settings, outbox = _settings(hearer, JobState.PUBLISHED), Outbox(farm.store)
        outbox.write(job, settings.endpoints)
        assert deliver(outbox, settings) == Delivered(dead=1)


def test_a_server_may_ask_for_a_longer_pause(farm: TinyFarm) -> None:
    job, clock = _published(farm), Clock()
    with listening((429, {"Retry-After": "120"})) as hearer:
        settings, outbox = _settings(hearer, JobState.PUBLISHED), Outbox(farm.store)
        outbox.write(job, settings.endpoints)
        deliver(outbox, settings, clock=clock)
        clock.ahead_s += 118
        assert deliver(outbox, settings, clock=clock) == Delivered()
        clock.ahead_s += 3
        assert deliver(outbox, settings, clock=clock) == Delivered(taken=1)


def test_a_server_in_trouble_gets_one_message_a_round_and_no_other_waits_for_it(
    farm: TinyFarm,
) -> None:
    job = _published(farm)
    with listening(*[500] * 9) as ill, listening() as well:
        endpoints = [Endpoint(url=ill.url), Endpoint(url=well.url)]
        settings = WebhookSettings(endpoints=endpoints, secret=SECRET)
        outbox = Outbox(farm.store)
        changes = outbox.write(job, endpoints) // 2
        assert deliver(outbox, settings) == Delivered(taken=changes, failed=1)
        assert (len(ill.heard), well.states()[-1]) == (1, "published")


def test_a_redirect_is_a_failure_and_is_not_followed(farm: TinyFarm) -> None:
    job = _published(farm)
    with listening() as elsewhere, listening((307, {"Location": elsewhere.url})) as hearer:
        settings, outbox = _settings(hearer, JobState.PUBLISHED), Outbox(farm.store)
        outbox.write(job, settings.endpoints)
        assert deliver(outbox, settings) == Delivered(failed=1)
        assert (len(hearer.heard), elsewhere.heard) == (1, [])


def test_a_server_that_is_not_there_is_tried_again(farm: TinyFarm) -> None:
    job = _published(farm)
    with listening() as hearer:
        settings = _settings(hearer, JobState.PUBLISHED)
    outbox = Outbox(farm.store)
    outbox.write(job, settings.endpoints)
    assert deliver(outbox, settings) == Delivered(failed=1)
    (pending,) = farm.store.list_keys("outbox/pending/")
    assert b"ConnectionRefusedError" in (farm.store.get(pending) or b"")


def test_a_forged_letter_never_reaches_a_url_that_the_operator_did_not_allow(
    farm: TinyFarm,
) -> None:
    with listening() as hearer, listening() as victim:
        settings = _settings(hearer)
        forged = Letter(
            name="forged", job="0123456789abcdef", message="msg_x", url=victim.url, body="{}",
            due_at_s=0.0,
        )  # fmt: skip
        farm.store.put("outbox/pending/forged.json", to_json(forged))
        outbox = Outbox(farm.store)
        assert deliver(outbox, settings) == Delivered(dead=1)
        assert victim.heard == hearer.heard == []
        assert "allow" in outbox.dead()[0].answer


def test_a_damaged_letter_does_not_hold_up_the_others(farm: TinyFarm) -> None:
    job = _published(farm)
    with listening() as hearer:
        settings, outbox = _settings(hearer, JobState.PUBLISHED), Outbox(farm.store)
        farm.store.put("outbox/pending/0-torn.json", b'{"name": ')
        outbox.write(job, settings.endpoints)
        assert deliver(outbox, settings) == Delivered(taken=1)


def test_what_a_stopped_courier_had_in_hand_the_next_one_tells(farm: TinyFarm) -> None:
    with listening() as hearer:
        settings = _settings(hearer, JobState.PUBLISHED, JobState.SUBMITTED)
        job = farm.client.submit(farm.request())
        first = Courier(farm.store, settings, look_every_s=0.02)
        first.hear(farm.client.status(job))
        first.close()
        assert hearer.states() == ["submitted"]
        farm.run_inline(job)
        second = Courier(farm.store, settings, look_every_s=0.02)
        second.close()
        assert hearer.states() == ["submitted", "published"]
    assert farm.store.list_keys("outbox/") == []


def _program(tmp_path: Path, body: str, most_attempts: int = 8) -> WebhookSettings:
    """Settings that call a Python program; its argument is no shell's to read."""
    path = tmp_path / "tell.py"
    path.write_text(f"import os, sys, time\n{body}\n")
    run = [sys.executable, str(path), "$HOME; exit 1"]
    endpoint = Endpoint(url="program:tell", run=run, states=["submitted", "published"])
    return WebhookSettings(endpoints=[endpoint], most_attempts=most_attempts)


def test_a_program_hears_of_every_change_in_order_with_its_id(
    farm: TinyFarm, tmp_path: Path
) -> None:
    heard = tmp_path / "heard"
    settings = _program(
        tmp_path,
        f"line = [os.environ['BODYSWAP_MESSAGE'], sys.argv[1], sys.stdin.read()]\n"
        f"open({str(heard)!r}, 'a').write(chr(9).join(line) + chr(10))",
    )
    job = farm.client.submit(farm.request())
    courier = Courier(farm.store, settings, look_every_s=0.02)
    farm.run_inline(job, courier.hear)
    courier.close()
    lines = [line.split("\t") for line in heard.read_text().splitlines()]
    assert [json.loads(line[2])["data"]["state"] for line in lines] == ["submitted", "published"]
    assert all(line[0].startswith("msg_") and line[1] == "$HOME; exit 1" for line in lines)
    assert farm.store.list_keys("outbox/") == []


def test_a_program_that_fails_is_called_again_and_then_given_up_with_its_last_words(
    farm: TinyFarm, tmp_path: Path
) -> None:
    job, clock, outbox = _published(farm), Clock(), Outbox(farm.store)
    settings = _program(tmp_path, "sys.exit('the tracker is away')", most_attempts=2)
    outbox.write(job, settings.endpoints[:1])
    assert deliver(outbox, settings, clock=clock) == Delivered(failed=1)
    clock.ahead_s += 60
    assert deliver(outbox, settings, clock=clock) == Delivered(dead=1)
    (dead,) = outbox.dead()
    assert dead.answer == "exit 1: the tracker is away"


def test_a_program_that_hangs_is_killed_and_has_taken_nothing() -> None:
    hang = [sys.executable, "-c", "import time; time.sleep(600)"]
    answer = call(hang, message="m", body="{}", timeout_s=0.5)
    assert "TimeoutExpired" in answer.told and not answer.is_taken


def test_a_program_that_is_not_there_is_said_so() -> None:
    answer = call(["/no/such/program"], message="m", body="{}", timeout_s=5)
    assert "FileNotFoundError" in answer.told and not answer.is_taken


def test_a_forged_letter_calls_no_program_that_the_operator_did_not_name(
    farm: TinyFarm, tmp_path: Path
) -> None:
    forged = Letter(
        name="forged", job="0123456789abcdef", message="msg_x", url="program:/bin/sh", body="{}",
        due_at_s=0.0,
    )  # fmt: skip
    farm.store.put("outbox/pending/forged.json", to_json(forged))
    outbox = Outbox(farm.store)
    assert deliver(outbox, _program(tmp_path, "")) == Delivered(dead=1)
    assert "allow" in outbox.dead()[0].answer


def test_two_secrets_sign_while_one_replaces_the_other(farm: TinyFarm) -> None:
    job = _published(farm)
    new = "whsec_" + "bmV3IHNlY3JldCBvZiAzMiBieXRlcywgc28gaXQgaXM="
    with listening() as hearer:
        endpoint = Endpoint(url=hearer.url, states=["published"])
        settings = WebhookSettings(endpoints=[endpoint], secret=f"{new} {SECRET}")
        outbox = Outbox(farm.store)
        outbox.write(job, settings.endpoints)
        assert deliver(outbox, settings) == Delivered(taken=1)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify("{}", signed_headers("msg_1", "{}", [new], time.time()))


def test_a_project_hears_of_its_own_jobs_alone(farm: TinyFarm) -> None:
    job = _published(farm)
    endpoints = [
        Endpoint(url="https://hooks.example.com/heist", projects=["heist"]),
        Endpoint(url="https://hooks.example.com/default", projects=["default"]),
    ]
    outbox = Outbox(farm.store)
    outbox.write(job, endpoints)
    urls = {letter.url for letter in outbox.due(time.time())}
    assert urls == {"https://hooks.example.com/default"}


def test_pauses_grow_fourfold_to_six_hours_and_differ_from_letter_to_letter() -> None:
    letter = Letter(name="a", job="j", message="m", url="u", body="", due_at_s=0.0)
    pauses = [pause_s(replace(letter, attempts=n)) for n in range(9)]
    assert all(
        low <= pause <= low * 1.2 for low, pause in zip((5, 20, 80, 320), pauses, strict=False)
    )
    assert max(pauses) <= 6 * 3600 * 1.2
    assert len({pause_s(replace(letter, name=str(n))) for n in range(20)}) > 10


def test_told_marks_lie_with_the_job_so_that_they_go_with_it(farm: TinyFarm) -> None:
    job = _published(farm)
    with listening() as hearer:
        settings, outbox = _settings(hearer, JobState.PUBLISHED), Outbox(farm.store)
        outbox.write(job, settings.endpoints)
        deliver(outbox, settings)
    assert len(farm.store.list_keys(f"{JobKeys(job=job).root}told/")) == 1
