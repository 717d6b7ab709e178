"""The SDK on a real store: jobs found by what people call them, waited for, asked, fetched."""

import doctest
import json
import threading
from pathlib import Path

import pytest
from tiny_farm import TinyFarm, make_farm
from tiny_pipeline import Trouble, write_plate

import cluster.client
from bodyswap.errors import JobError, UsageError
from cluster.asking.submit import JobRequest
from cluster.farm.controller import Controller
from cluster.jobs.job import JobState, Stage
from cluster.jobs.keys import JobKeys
from cluster.jobs.progress import StageProgress
from cluster.telling.waiting import Outcome
from cluster.workers.inline import InlineRuntime


@pytest.fixture
def farm(tmp_path: Path) -> TinyFarm:
    return make_farm(tmp_path)


def _submit(farm: TinyFarm, plate_name: str, frame_count: int = 30, name: str = "") -> str:
    plate = write_plate(farm.folder / f"{plate_name}.txt", frame_count)
    return farm.client.submit(JobRequest(plate=plate, subject=farm.request().subject, name=name))


def test_the_example_of_the_sdk_runs_as_it_is_written(farm: TinyFarm) -> None:
    request = farm.request()
    should_stop = threading.Event()
    runtime = InlineRuntime(farm.worker_config)
    controller = Controller(store=farm.store, runtime=runtime)
    thread = threading.Thread(target=controller.serve, args=(should_stop.is_set,))
    thread.start()
    try:
        tests = doctest.DocTestFinder(recurse=False).find(
            cluster.client,
            globs={
                "client": farm.client, "plate": request.plate, "subject": request.subject,
                "out": farm.folder / "out", "JobRequest": JobRequest,
            },
        )  # fmt: skip
        runner = doctest.DocTestRunner()
        for test in tests:
            runner.run(test)
        result = runner.summarize()
        assert result.attempted > 4 and not result.failed
    finally:
        should_stop.set()
        thread.join()
        runtime.close()


def test_jobs_are_found_by_id_its_beginning_their_name_and_by_pattern(farm: TinyFarm) -> None:
    first, second = _submit(farm, "SH010", 30), _submit(farm, "SH020", 31)
    other = _submit(farm, "take7", 32, name="pickup")
    client = farm.client
    assert client.find_job(first) == client.find_job(first[:6]) == client.find_job("SH010") == first
    assert set(client.find_jobs("SH0*")) == {first, second}
    assert client.find_jobs("pickup", "SH010", f"{first[:4]}*") == (other, first)
    assert set(client.find_jobs()) == {first, second, other}
    assert [job.name for job in client.list_jobs("p?ckup")] == ["pickup"]


def test_a_job_submitted_again_under_another_name_is_found_by_both(farm: TinyFarm) -> None:
    first = _submit(farm, "SH010", name="rough")
    assert _submit(farm, "SH010", name="final") == first
    assert farm.client.find_jobs("rough", "final", "*") == (first,)
    assert [job.name for job in farm.client.list_jobs()] == ["rough"]


def test_a_name_that_no_key_could_hold_is_refused_and_a_plates_is_made_to_fit(
    farm: TinyFarm,
) -> None:
    with pytest.raises(UsageError, match="'SH 010' cannot be a job's name; use letters"):
        _submit(farm, "SH010", name="SH 010")
    assert farm.store.list_keys("") == []
    job = _submit(farm, "my plate (2)")
    assert [each.name for each in farm.client.list_jobs()] == ["my_plate__2_"]
    assert farm.client.find_job("my_plate*") == job


def test_a_name_that_an_id_begins_with_too_is_not_guessed_at(farm: TinyFarm) -> None:
    first = _submit(farm, "SH010", 30)
    second = _submit(farm, "SH020", 31, name=first[:4])
    with pytest.raises(JobError, match="fits 2 jobs") as refused:
        farm.client.find_job(first[:4])
    assert first in str(refused.value) and second in str(refused.value)


@pytest.mark.parametrize(("text", "words"), [("SH9*", "fits no job"), ("", "is no job's id")])
def test_what_fits_no_job_is_said_with_its_store(farm: TinyFarm, text: str, words: str) -> None:
    _submit(farm, "SH010")
    with pytest.raises(JobError, match=words) as refused:
        farm.client.find_jobs(text)
    assert farm.store.url in str(refused.value)


def test_waiting_ends_when_the_last_job_does_or_when_time_is_up(farm: TinyFarm) -> None:
    good, late = _submit(farm, "good", 30), _submit(farm, "late", 31)
    farm.run_inline(good)
    assert farm.client.wait([good]).outcome is Outcome.DONE
    waited = farm.client.wait([good, late], timeout_s=0.05, every_s=0.01)
    assert waited.outcome is Outcome.TIMEOUT
    assert [job.state for job in waited.jobs] == [JobState.PUBLISHED, JobState.SUBMITTED]


def test_one_failed_job_makes_the_waiting_fail(farm: TinyFarm) -> None:
    good = _submit(farm, "good", 30)
    farm.run_inline(good)
    plate = write_plate(farm.folder / "empty.txt", 30)
    plate.write_text("plate\n" + "nobody\n" * 30)
    bad = farm.client.submit(JobRequest(plate=plate, subject=farm.request().subject))
    farm.run_inline(bad)
    assert farm.client.wait([good, bad]).outcome is Outcome.FAILED


def test_progress_tells_every_stage_and_the_frames_under_way(farm: TinyFarm) -> None:
    job = farm.client.submit(farm.request(trouble=Trouble(frame_s=0.002)))
    assert farm.client.progress(job).stages == ()
    seen = []
    farm.run_inline(job, lambda status: seen.append(farm.client.progress(job)))
    halfway = [stages for progress in seen if len(stages := progress.stages) == 4]
    rendered = [stages[2].frames_done for stages in halfway]
    assert rendered == sorted(rendered) and 0 < rendered[len(rendered) // 2] < 40
    assert farm.client.progress(job).stages[2:] == (
        StageProgress(
            stage=Stage.RENDER, shards_done=4, shards_total=4, frames_done=40, frames_total=40
        ),
        StageProgress(
            stage=Stage.ASSEMBLE, shards_done=1, shards_total=1, frames_done=40, frames_total=40
        ),
    )


def test_every_attempt_is_shown_with_its_log_or_else_its_evidence(farm: TinyFarm) -> None:
    once = farm.folder / "once"
    job = farm.client.submit(farm.request(trouble=Trouble(kind="bug", at=25, once=str(once))))
    farm.run_inline(job)
    first, second = farm.client.logs(job, "render-2")
    assert (first.outcome, second.outcome) == (
        "failed: RuntimeError: a bug, on purpose", "committed",
    )  # fmt: skip
    assert 'raise RuntimeError("a bug, on purpose")' in first.text
    assert "inline begins render 2 (1021-1030)" in second.text
    lease = farm.client.look(job).shard("render-2").leases[0]
    farm.store.delete(JobKeys(job=job).log(lease))
    assert farm.client.logs(job, "render-2")[0].text.startswith("Traceback"), "its evidence"
    assert {log.shard for log in farm.client.logs(job)} >= {"pose-0", "solve-0", "render-2"}
    with pytest.raises(JobError, match=r"'render-9' is no shard.*render-0 to render-3"):
        farm.client.logs(job, "render-9")


def test_fetching_again_keeps_what_is_there_and_writes_over_nothing_else(farm: TinyFarm) -> None:
    job = farm.client.submit(farm.request())
    farm.run_inline(job)
    out = farm.folder / "out"
    files = farm.client.fetch(job, out)
    written = [path.stat().st_mtime_ns for path in files[:-1]]
    assert farm.client.fetch(job, out) == files
    assert [path.stat().st_mtime_ns for path in files[:-1]] == written
    shot = next(path for path in files if path.name.startswith("shot"))
    whole = shot.read_bytes()
    shot.write_text("somebody's own work")
    with pytest.raises(UsageError, match="is there already and is something else"):
        farm.client.fetch(job, out)
    assert shot.read_text() == "somebody's own work"
    farm.client.fetch(job, out, replace=True)
    assert shot.read_bytes() == whole


def test_another_jobs_manifest_is_not_written_over(farm: TinyFarm) -> None:
    job = farm.client.submit(farm.request())
    farm.run_inline(job)
    out = farm.folder / "out"
    out.mkdir()
    (out / "manifest.json").write_text("{}")
    with pytest.raises(UsageError, match=r"manifest\.json' is there already"):
        farm.client.fetch(job, out)
    assert [path.name for path in out.iterdir()] == ["manifest.json"]


def test_what_is_asked_lies_in_the_store_for_the_farm_in_the_order_asked(farm: TinyFarm) -> None:
    job = farm.client.submit(farm.request())
    times = iter([1_800_000_000.25, 1_800_000_000.5, 1_800_000_001.0])
    client = cluster.client.Client(farm.store, by="ada", clock=lambda: next(times))
    client.pause(job)
    client.resume(job)
    client.set_priority(job, 80)
    keys = farm.store.list_keys(f"{JobKeys(job=job).root}control/")
    assert [key.rpartition("-")[2] for key in keys] == [
        "pause.json",
        "resume.json",
        "priority.json",
    ]
    assert [json.loads(farm.store.get(key) or b"") for key in keys] == [
        {"verb": "pause", "by": "ada", "at": 1_800_000_000.25, "arguments": {}},
        {"verb": "resume", "by": "ada", "at": 1_800_000_000.5, "arguments": {}},
        {"verb": "priority", "by": "ada", "at": 1_800_000_001.0, "arguments": {"priority": 80}},
    ]


def test_a_retry_names_shards_that_there_are_or_leaves_it_to_what_failed(farm: TinyFarm) -> None:
    once = farm.folder / "once"
    trouble = Trouble(kind="bad plate", at=25, once=str(once))
    job = farm.client.submit(farm.request(trouble=trouble))
    with pytest.raises(JobError, match="not planned yet"):
        farm.client.retry(job, ["render-2"])
    with pytest.raises(JobError, match=r"no shard of job .* has failed"):
        farm.client.retry(job)
    farm.run_inline(job)
    assert farm.client.retry(job).arguments == {"shards": None}
    assert farm.client.retry(job, ["render-2"]).arguments == {"shards": ["render-2"]}
    assert farm.client.retry(job, ["render-1"]).arguments == {"shards": ["render-1"]}
    with pytest.raises(JobError, match=r"pose-0 of job .* is committed, and would come out the"):
        farm.client.retry(job, ["pose-0"])
    with pytest.raises(JobError, match=r"render-3 of job .* is not tried yet"):
        farm.client.retry(job, ["render-3"])
    with pytest.raises(JobError, match="'render-4' is no shard"):
        farm.client.retry(job, ["render-4"])


def test_after_a_retry_the_old_failures_are_told_but_do_not_count(farm: TinyFarm) -> None:
    once = farm.folder / "once"
    trouble = Trouble(kind="bad plate", at=25, once=str(once))
    job = farm.client.submit(farm.request(trouble=trouble))
    farm.run_inline(job)
    assert farm.client.look(job).shard("render-2").is_given_up
    farm.client.retry(job)
    runtime = InlineRuntime(farm.worker_config)
    controller = Controller(store=farm.store, runtime=runtime)
    controller.serve(lambda: farm.client.status(job).state is JobState.PUBLISHED)
    runtime.close()
    seen = farm.client.look(job).shard("render-2")
    assert (seen.failures, len(seen.history), seen.is_given_up) == ((), 1, False)
    outcomes = [log.outcome for log in farm.client.logs(job, "render-2")]
    assert outcomes == ["failed: frame 1005 does not decode; the plate is damaged", "committed"]


def test_nothing_is_asked_of_a_published_job(farm: TinyFarm) -> None:
    job = farm.client.submit(farm.request())
    farm.run_inline(job)
    client = farm.client
    with pytest.raises(JobError, match="is published; pause is for a job that is under way"):
        client.pause(job)
    with pytest.raises(JobError, match="is published; cancel is for"):
        client.cancel(job)
    with pytest.raises(JobError, match="is published; retry is for"):
        client.retry(job)
    with pytest.raises(UsageError, match="priority 100 is not within"):
        client.set_priority(job, 100)
    assert farm.store.list_keys(f"{JobKeys(job=job).root}control/") == []
