"""Why a job or a shard waits: every state and every cause has its sentence, always."""

import dataclasses
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import (
    NOW_S,
    PAUSE,
    busy,
    committed,
    failed,
    leased,
    make_farm_seen,
    make_job,
    scene,
)
from tiny_farm import make_farm
from tiny_pipeline import Trouble

from bodyswap.errors import JobError
from cluster.farm.controller import Controller
from cluster.farm.decide import Action, decide
from cluster.jobs.control import Verb
from cluster.jobs.job import JobState, Stage
from cluster.jobs.snapshot import Snapshot
from cluster.telling.farm_seen import FarmSeen, QuotaSeen, WorkerSeen, farm_seen, tell_farm, telling
from cluster.telling.scene import Scene, WaitsFor
from cluster.telling.seen import JobSeen
from cluster.telling.waiting import Outcome
from cluster.telling.why import why_job, why_shard
from cluster.workers.inline import InlineRuntime

IDLE = WorkerSeen(name="w0")
POSER = WorkerSeen(name="w3", stages=(Stage.POSE,))
POSED = committed(make_job("rendering"), Stage.POSE, Stage.SOLVE)
EXACT = committed(make_job("rendering", exact=True), Stage.POSE, Stage.SOLVE)
DONE = committed(make_job("assembling"), *Stage)
AT_IT = WorkerSeen(
    name="w0", job=POSED.spec.job, shard="render-1", frames_done=7, advanced_at_s=NOW_S - 3
)
BENCHED = WorkerSeen(name="w1", benched_until_s=NOW_S + 300)
QUOTA = dataclasses.replace(
    make_farm_seen(IDLE), quotas=(QuotaSeen(project="default", running=2, most=2),)
)

STATES = {
    "submitted": (WaitsFor.PLAN, "waits for the farm to plan it"),
    "planned": (WaitsFor.START, "pose-0 is next: a worker is free"),
    "posing": (WaitsFor.START, "is at its pose stage: pose-0 is next"),
    "solving": (WaitsFor.START, "is at its"),
    "rendering": (WaitsFor.START, "is at its"),
    "assembling": (WaitsFor.START, "is at its"),
    "verifying": (WaitsFor.START, "is at its"),
    "published": (WaitsFor.NOTHING, "waits for nothing: it was published at 2027-01-15 07:59:10"),
    "paused": (WaitsFor.RESUME, "waits for a `resume`: it was paused at 2027-01-15 07:59:10 UTC"),
    "cancelled": (WaitsFor.RETRY, "waits for nothing more: it was cancelled at 2027-01-15"),
    "failed": (WaitsFor.RETRY, "waits for nothing more: it failed at 2027-01-15 07:59:10"),
    "quarantined": (WaitsFor.RETRY, "waits for somebody to look: a part of it was put into quaran"),
}


@pytest.mark.parametrize("state", list(JobState))
def test_every_state_has_its_sentence(state: JobState) -> None:
    waits_for, words = STATES[state]
    answer = why_job(scene(make_job(state), IDLE))
    assert words in answer.sentence
    assert answer.waits_for is waits_for
    assert answer.sentence.startswith("job ")


STARTING = FarmSeen(controller="head-1", at_s=NOW_S - 12, is_starting=True)

CAUSES: dict[str, tuple[Scene, WaitsFor, str]] = {
    "no farm ever": (
        Scene(job=make_job(), now_s=NOW_S), WaitsFor.FARM,
        "waits for a farm: none has ever told of itself in this store",
    ),
    "a farm that starts": (
        Scene(job=make_job(), now_s=NOW_S, farm=STARTING), WaitsFor.FARM,
        "waits for a farm: the one on head-1 began to start 12 s ago, and is not up yet",
    ),
    "a farm that never came up": (
        Scene(job=make_job(), now_s=NOW_S + 600, farm=STARTING), WaitsFor.FARM,
        "waits for a farm: the one on head-1 began to start, and never came up",
    ),
    "a request while the farm starts": (
        Scene(job=dataclasses.replace(POSED, requests=(PAUSE,)), now_s=NOW_S, farm=STARTING),
        WaitsFor.FARM, "waits for the farm, which is starting, to take up the wish to pause of ada",
    ),
    "a silent farm": (
        Scene(job=POSED, now_s=NOW_S, farm=make_farm_seen(IDLE, silent_s=7230)), WaitsFor.FARM,
        "waits for a farm: the last one, head-1, has been silent for 2 h",
    ),
    "a request": (
        scene(dataclasses.replace(POSED, requests=(PAUSE,)), IDLE), WaitsFor.REQUEST,
        "waits for the farm to take up the wish to pause of ada at 2027-01-15 07:59:55 UTC",
    ),
    "a request and no farm": (
        Scene(job=dataclasses.replace(POSED, requests=(PAUSE,)), now_s=NOW_S), WaitsFor.FARM,
        "waits for a farm, for there is none now, to take up the wish to pause of ada",
    ),
    "a wish for priority": (
        scene(
            dataclasses.replace(
                POSED, requests=(dataclasses.replace(PAUSE, verb=Verb.PRIORITY),)
            ),
            IDLE,
        ),
        WaitsFor.START, "render-0 is next",
    ),
    "others first": (
        scene(make_job(), IDLE, ahead=3), WaitsFor.PLAN,
        "waits for the farm to plan it; 3 jobs of the queue before it",
    ),
    "work": (
        scene(leased(POSED, "render-1"), AT_IT), WaitsFor.WORK,
        "is at its render stage: 1 of 4 shards is being done by w0; render-0 waits for a free"
        " worker: the only one has work; its job is first in the queue",
    ),
    "work by all": (
        scene(
            leased(leased(leased(leased(POSED, "render-0"), "render-1"), "render-2"), "render-3"),
            *(dataclasses.replace(AT_IT, shard="render-0"),),
        ),
        WaitsFor.WORK, "1 of 4 shards is being done by w0; render-1 waits for the farm to hear",
    ),
    "no worker": (scene(POSED), WaitsFor.WORKER, "waits for a worker: the farm has none just now"),
    "all busy": (
        scene(POSED, busy("a"), busy("b"), ahead=1), WaitsFor.WORKER,
        "render-0 waits for a free worker: all 2 have work; in the queue 1 job comes before its"
        " own, and so with 3 more",
    ),
    "one benched": (
        scene(POSED, busy("a"), BENCHED), WaitsFor.WORKER,
        "the only one has work, 1 other failed too often (w1 is let in again at 2027-01-15"
        " 08:05:00 UTC)",
    ),
    "all benched": (scene(POSED, BENCHED), WaitsFor.START, "render-0 is next"),
    "a poisonous shard": (
        scene(failed(POSED, "render-0", "a", "b", "c"), busy("w9")), WaitsFor.WORKER,
        "render-1 waits for a free worker: the only one has work; its job is first in the queue,"
        " and so with 2 more; render-0 had to be given up",
    ),
    "a quota": (
        Scene(job=POSED, now_s=NOW_S, farm=QUOTA), WaitsFor.QUOTA,
        "waits for its project default to need fewer workers: it has 2 now and may have 2",
    ),
    "a failure": (
        scene(failed(POSED, "render-0", "w1"), IDLE), WaitsFor.PAUSE,
        "render-0 is tried again in 1 s: it failed 1 time, at last on w1: worker w1 died",
    ),
    "publication": (
        scene(DONE, IDLE), WaitsFor.PUBLISHING, "is put together, and waits for the farm to",
    ),
    "proof": (
        scene(committed(make_job("verifying"), *Stage), IDLE), WaitsFor.VERIFYING,
        "is put together, and waits for the proof that it is whole",
    ),
    "a free worker": (scene(POSED, IDLE), WaitsFor.START, "render-0 is next: a worker is free"),
}  # fmt: skip


@pytest.mark.parametrize("name", CAUSES)
def test_every_cause_a_job_can_wait_for_has_its_sentence(name: str) -> None:
    about, waits_for, words = CAUSES[name]
    answer = why_job(about)
    assert words in answer.sentence
    assert answer.waits_for is waits_for


QUARANTINED = failed(
    committed(make_job("quarantined"), Stage.POSE, Stage.SOLVE), "render-2", "a", "b", "c"
)


def test_a_quarantined_job_names_the_shards_that_no_worker_survived() -> None:
    answer = why_job(scene(QUARANTINED, IDLE))
    assert "the rest is done, but render-2 was put into quarantine at 2027" in answer.sentence
    assert "worker c died; `logs`" in why_shard(scene(QUARANTINED, IDLE), "render-2").sentence


SHARDS: dict[str, tuple[Scene, str, WaitsFor, str]] = {
    "committed": (
        scene(POSED, IDLE), "pose-0", WaitsFor.NOTHING,
        "pose-0 waits for nothing: w9 committed it, attempt 1",
    ),
    "given up": (
        scene(failed(POSED, "render-2", "a", "b", "c"), IDLE), "render-2", WaitsFor.RETRY,
        "render-2 was given up after 3 failures on a, b and c, at last: worker c died; `logs`",
    ),
    "at work": (
        scene(leased(POSED, "render-1"), AT_IT), "render-1", WaitsFor.WORK,
        "render-1 is being done by w0, attempt 1, 7 of 30 frames, the last 3 s ago",
    ),
    "its worker gone": (
        scene(leased(POSED, "render-1", "w7"), IDLE), "render-1", WaitsFor.WORKER,
        "render-1 waits for another worker: w7, which had it, is gone",
    ),
    "its worker elsewhere": (
        scene(leased(POSED, "render-1", "a"), busy("a")), "render-1", WaitsFor.WORKER,
        "render-1 waits for the farm to hear how a fared with it",
    ),
    "an earlier stage": (
        scene(committed(make_job("solving"), Stage.POSE), IDLE), "render-3", WaitsFor.STAGE,
        "render-3 waits for the solve stage, where solve-0 is still to come",
    ),
    "many before it": (
        scene(make_job("posing"), IDLE), "solve-0", WaitsFor.STAGE, "where pose-0 and ",
    ),
    "the shard before": (
        scene(EXACT, IDLE), "render-2", WaitsFor.PREDECESSOR,
        "render-2 waits for render-1: in exact mode it goes on from that one's last frame",
    ),
    "not the first": (scene(EXACT, IDLE), "render-0", WaitsFor.START, "render-0 is next"),
    "who has not failed it": (
        dataclasses.replace(
            scene(failed(POSED, "render-0", "w0"), IDLE, busy("b")), now_s=NOW_S + 30
        ),
        "render-0", WaitsFor.WORKER,
        "render-0 waits for a worker that has not failed it: w0 did, and the others have work",
    ),
    "who may do it": (
        scene(POSED, POSER), "render-0",
        WaitsFor.WORKER,
        "render-0 waits for a worker with what the render stage asks for: the farm's 1 worker is"
        " for other stages",
    ),
    "nobody else": (
        dataclasses.replace(scene(failed(POSED, "render-0", "w0"), IDLE), now_s=NOW_S + 30),
        "render-0", WaitsFor.START, "render-0 is next",
    ),
    "its paused job": (
        scene(committed(make_job("failed", why="it broke"), Stage.POSE), IDLE), "render-0",
        WaitsFor.RETRY,
        "render-0 waits with its job, which waits for nothing more: it failed at 2027-01-15"
        " 07:59:10 UTC by bob: it broke; `retry ",
    ),
    "a farm": (
        Scene(job=POSED, now_s=NOW_S), "render-0", WaitsFor.FARM, "render-0 waits for a farm: none",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SHARDS)
def test_every_cause_a_shard_can_wait_for_has_its_sentence(name: str) -> None:
    about, shard, waits_for, words = SHARDS[name]
    answer = why_shard(about, shard)
    assert words in answer.sentence
    assert answer.waits_for is waits_for


def test_the_tables_above_leave_nothing_out() -> None:
    told = {row[0] for row in STATES.values()}
    told |= {row[1] for row in CAUSES.values()} | {row[2] for row in SHARDS.values()}
    assert told == set(WaitsFor)
    assert set(STATES) == set(JobState)


def test_a_shard_that_is_not_there_is_an_error_that_names_those_that_are() -> None:
    with pytest.raises(JobError, match=r"it has pose-0 to pose-.*, solve-0, render-0 to render-3"):
        why_shard(scene(POSED), "render-4")


WORKERS = st.sampled_from([IDLE, AT_IT, BENCHED, busy("w2"), POSER])


@st.composite
def _jobs(draw: st.DrawFn) -> JobSeen:
    job = make_job(draw(st.sampled_from(list(JobState))), exact=draw(st.booleans()))
    for seen in job.shards:
        match draw(st.sampled_from(["open", "committed", "leased", "failed", "open"])):
            case "committed":
                job = committed(job, seen.shard.stage)
            case "leased":
                job = leased(job, seen.name, draw(st.sampled_from(["w0", "w2", "gone"])))
            case "failed":
                whom = draw(st.lists(st.sampled_from(["w0", "w1", "w2"]), min_size=1, max_size=5))
                job = failed(job, seen.name, *whom)
    if draw(st.booleans()):
        verb = draw(st.sampled_from(list(Verb)))
        asked = dataclasses.replace(PAUSE, verb=verb, by="")
        job = dataclasses.replace(job, requests=(asked,))
    return job


@st.composite
def _scenes(draw: st.DrawFn) -> Scene:
    farms = st.builds(
        make_farm_seen, st.just(IDLE), silent_s=st.sampled_from([0.0, 59.0, 61.0, 1e7])
    )
    farm = draw(st.none() | farms | st.just(QUOTA))
    if farm is not None:
        workers = draw(st.lists(WORKERS, max_size=4, unique_by=lambda worker: worker.name))
        farm = dataclasses.replace(farm, workers=tuple(workers))
    ahead, later_s = draw(st.integers(0, 5)), draw(st.sampled_from([0.0, 0.1, 40.0]))
    return Scene(job=draw(_jobs()), now_s=NOW_S + later_s, farm=farm, ahead=ahead)


@settings(max_examples=400, deadline=None)
@given(_scenes())
def test_there_is_always_one_sentence_for_the_job_and_for_each_shard(about: Scene) -> None:
    answers = [why_job(about), *(why_shard(about, seen.name) for seen in about.job.shards)]
    for answer in answers:
        about_what, _, rest = answer.sentence.partition(" ")
        assert about_what and len(rest) > 15
        assert "\n" not in answer.sentence and "None" not in answer.sentence
        assert not answer.sentence.endswith((" ", ".", ",", ";", ":"))


def test_a_real_job_tells_all_the_way_what_it_waits_for(tmp_path: Path) -> None:
    farm = make_farm(tmp_path)
    once = farm.folder / "once"
    job = farm.client.submit(farm.request(trouble=Trouble(kind="bug", at=25, once=str(once))))
    assert farm.client.why(job).waits_for is WaitsFor.FARM
    for_what: set[WaitsFor] = set()

    def ask(snapshot: Snapshot) -> list[Action]:
        """Ask of everything in the middle of each of the controller's rounds."""
        tell_farm(farm.store, farm_seen(snapshot, "head-1"))
        shards = farm.client.look(job).shards
        answers = [farm.client.why(job), *(farm.client.why(job, seen.name) for seen in shards)]
        assert all(answer.sentence.strip() for answer in answers)
        for_what.update(answer.waits_for for answer in answers)
        return decide(snapshot)

    runtime = InlineRuntime(farm.worker_config)
    Controller(store=farm.store, runtime=runtime, decide_next=ask).run_until_final(job)
    runtime.close()
    assert {WaitsFor.STAGE, WaitsFor.WORK, WaitsFor.PREDECESSOR, WaitsFor.PAUSE} <= for_what
    assert farm.client.why(job).waits_for is WaitsFor.NOTHING
    assert farm.client.why(job, "render-2").sentence == (
        "render-2 waits for nothing: inline committed it, attempt 2"
    )


def test_a_real_farm_answers_what_is_asked_of_its_jobs(tmp_path: Path) -> None:
    farm = make_farm(tmp_path)
    job = farm.client.submit(farm.request(trouble=Trouble(frame_s=0.05)))
    runtime = InlineRuntime(farm.worker_config)
    controller = Controller(
        store=farm.store, runtime=runtime, decide_next=telling(farm.store, "head-1", decide)
    )

    def serve_until(state: JobState) -> None:
        rounds = count()
        controller.serve(lambda: farm.client.status(job).state is state or next(rounds) > 200)
        assert farm.client.status(job).state is state

    farm.client.pause(job)
    serve_until(JobState.PAUSED)
    paused = farm.client.why(job)
    assert paused.waits_for is WaitsFor.RESUME and "as somebody asked" in paused.sentence
    assert farm.client.wait([job], timeout_s=5).outcome is Outcome.PAUSED
    farm.client.resume(job)
    assert farm.client.why(job).waits_for is WaitsFor.REQUEST
    serve_until(JobState.RENDERING)
    farm.client.cancel(job)
    serve_until(JobState.CANCELLED)
    runtime.close()
    assert farm.client.wait([job], timeout_s=5).outcome is Outcome.CANCELLED
    cancelled = farm.client.why(job)
    assert cancelled.waits_for is WaitsFor.RETRY and "`retry" in cancelled.sentence
