"""Jobs from submission to fetched shot, on the inline runtime and a local store."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_farm import TinyFarm, make_farm
from tiny_pipeline import Trouble, expected_shot, write_plate, write_subject

from bodyswap.config import Mode, RenderSettings
from bodyswap.errors import JobError, PlateError, SubjectError, UsageError
from bodyswap.timing import FrameRange
from cluster.asking.submit import JobRequest
from cluster.farm.controller import Controller
from cluster.jobs.job import JobState, Stage
from cluster.jobs.journal import Entry, Journal
from cluster.jobs.keys import QUEUE, JobKeys, job_of_marker
from cluster.jobs.plan import Shard
from cluster.jobs.progress import JobStatus
from cluster.workers.inline import InlineRuntime


@pytest.fixture
def farm(tmp_path: Path) -> TinyFarm:
    return make_farm(tmp_path)


@pytest.mark.parametrize("shards", [1, 4, 40])
def test_exact_mode_renders_the_same_shot_for_any_number_of_shards(
    farm: TinyFarm, shards: int
) -> None:
    request = farm.request(shards=shards)
    job = farm.client.submit(request)
    assert farm.run_inline(job).state is JobState.PUBLISHED
    assert farm.fetched_shot(job) == expected_shot(request.plate, FrameRange(start=0, stop=40))


def test_fast_mode_starts_each_shard_with_its_warm_up(farm: TinyFarm) -> None:
    request = farm.request(mode=Mode.FAST, shards=4)
    job = farm.client.submit(request)
    farm.run_inline(job)
    expected = expected_shot(request.plate, FrameRange(start=0, stop=40))
    differences = [abs(a[2] - b[2]) for a, b in zip(farm.fetched_shot(job), expected, strict=True)]
    assert max(differences[:10]) == 0
    # Three warm-up frames leave an eighth of a state that is 24 at most.
    assert 0 < max(differences[10:]) <= 24 / 8


def test_a_part_of_the_plate_keeps_the_plates_own_frames_and_pts(farm: TinyFarm) -> None:
    request = farm.request(frames="1011-1030", shards=3)
    job = farm.client.submit(request)
    farm.run_inline(job)
    assert farm.fetched_shot(job) == expected_shot(request.plate, FrameRange(start=10, stop=30))
    manifest = farm.client.manifest(job)
    assert (manifest.numbers, manifest.frame_count) == ("1011-1030", 20)
    assert (manifest.first_pts, manifest.last_pts) == (10 * 512, 29 * 512)


def test_the_manifest_tells_the_origin_of_every_part(farm: TinyFarm) -> None:
    job = farm.client.submit(farm.request(shards=4))
    farm.run_inline(job)
    farm.client.fetch(job, farm.folder / "out")
    manifest = json.loads((farm.folder / "out/manifest.json").read_text())
    parts = manifest["parts"]
    assert [part["numbers"] for part in parts] == [
        "1001-1010",
        "1011-1020",
        "1021-1030",
        "1031-1040",
    ]
    assert [part["frame_count"] for part in parts] == [10] * 4
    assert [(part["first_pts"], part["last_pts"]) for part in parts][1] == (10 * 512, 19 * 512)
    assert all(len(part["sha256"]) == 64 for part in parts)
    names = {file["name"] for file in manifest["deliverables"]}
    assert names == {
        "shot.mp4", "joins.json", "performer-poses.npz", "subject-poses.npz", "solve-report.json",
    }  # fmt: skip
    assert {path.name for path in (farm.folder / "out").iterdir()} == names | {"manifest.json"}


def test_a_finished_job_has_left_the_queue_and_its_journal_tells_its_way(farm: TinyFarm) -> None:
    job = farm.client.submit(farm.request())
    assert len(farm.store.list_keys(QUEUE)) == 1
    farm.run_inline(job)
    assert farm.store.list_keys(QUEUE) == []
    keys = farm.store.list_keys(JobKeys(job=job).journal)
    states = [json.loads(farm.store.get(key) or b"")["state"] for key in keys]
    way = list(JobState)[: list(JobState).index(JobState.PUBLISHED) + 1]
    assert states == [state.value for state in way]


def test_progress_is_heard_frame_by_frame_and_seen_from_another_process(farm: TinyFarm) -> None:
    job = farm.client.submit(farm.request(trouble=Trouble(frame_s=0.01)))
    assert farm.client.status(job) == JobStatus(job=job, state=JobState.SUBMITTED)
    heard: list[JobStatus] = []
    seen: list[JobStatus] = []

    def listen(status: JobStatus) -> None:
        heard.append(status)
        seen.append(farm.client.status(job))

    final = farm.run_inline(job, listen)
    rendering = [status for status in heard if status.stage is Stage.RENDER]
    done = [status.frames_done for status in rendering]
    assert done == sorted(done) and any(count % 10 for count in done), "only whole shards were told"
    assert any(status.frames_per_s and status.eta_s is not None for status in rendering)
    assert {status.shards_total for status in rendering} == {4}
    assert any(not status.state.is_final and status.frames_total == 40 for status in seen)
    assert final == heard[-1] == farm.client.status(job)
    assert (final.frames_done, final.frames_total, final.exit_code) == (40, 40, 0)
    assert [seen.status for seen in farm.client.watch(job)] == [final]


def test_the_same_request_again_is_the_same_job_and_renders_nothing(farm: TinyFarm) -> None:
    log = farm.folder / "log"
    request = farm.request(trouble=Trouble(log=str(log)))
    job = farm.client.submit(request)
    farm.run_inline(job)
    renders = log.read_text()
    assert farm.client.submit(request) == job
    assert farm.store.list_keys(QUEUE) == []
    assert farm.run_inline(job).state is JobState.PUBLISHED
    assert log.read_text() == renders


def test_a_plate_without_a_person_fails_the_job_with_one_clear_line(farm: TinyFarm) -> None:
    request = farm.request()
    request.plate.write_text("plate\n" + "nobody\n" * 40)
    job = farm.client.submit(request)
    status = farm.run_inline(job)
    assert (status.state, status.exit_code) == (JobState.FAILED, 4)
    assert status.message == "no person was found in plate.txt"
    assert farm.client.status(job) == JobStatus(
        job=job, state=JobState.FAILED, message=status.message, exit_code=4
    )
    assert farm.store.list_keys(QUEUE) == []
    with pytest.raises(JobError, match="no person was found"):
        farm.client.fetch(job, farm.folder / "out")
    assert not (farm.folder / "out").exists()


def test_a_plate_that_breaks_in_the_middle_fails_the_job_at_once(farm: TinyFarm) -> None:
    log = farm.folder / "log"
    job = farm.client.submit(farm.request(trouble=Trouble(kind="bad plate", at=25, log=str(log))))
    status = farm.run_inline(job)
    assert (status.exit_code, status.message) == (
        3, "frame 1005 does not decode; the plate is damaged",
    )  # fmt: skip
    starts = [json.loads(line)[1] for line in log.read_text().splitlines()]
    assert starts == [0, 10], "nothing after the broken shard, and nothing twice"
    assert farm.store.list_keys(JobKeys(job=job).out) == []


def test_a_bug_is_tried_once_more_and_then_fails_with_its_evidence(farm: TinyFarm) -> None:
    job = farm.client.submit(farm.request(trouble=Trouble(kind="bug", at=25)))
    status = farm.run_inline(job)
    assert (status.state, status.exit_code) == (JobState.FAILED, 8)
    assert "render 2 (1021-1030) failed 2 times" in status.message
    assert "a bug, on purpose" in status.message
    keys = farm.store.list_keys(JobKeys(job=job).journal)
    assert (
        'raise RuntimeError("a bug, on purpose")'
        in json.loads(farm.store.get(keys[-1]) or b"")["failure"]["evidence"]
    )


def test_what_every_attempt_said_is_kept_in_the_store(farm: TinyFarm) -> None:
    once = farm.folder / "once"
    job = farm.client.submit(farm.request(trouble=Trouble(kind="bug", at=25, once=str(once))))
    farm.run_inline(job)
    there = farm.store.list_keys(JobKeys(job=job).root)
    keys = [key for key in there if key.endswith("log.txt")]
    logs = {"/".join(key.split("/")[2:5]): (farm.store.get(key) or b"").decode() for key in keys}
    failed, good = logs["render/00002/0001-inline"], logs["render/00002/0002-inline"]
    assert 'raise RuntimeError("a bug, on purpose")' in failed and "is won" not in failed
    assert "inline begins render 2 (1021-1030)" in good and "is won after" in good
    assert len(logs) == len([key for key in there if "/lease-" in key])


def test_a_bug_that_passes_costs_one_attempt_and_no_frame(farm: TinyFarm) -> None:
    once = farm.folder / "once"
    request = farm.request(trouble=Trouble(kind="bug", at=25, once=str(once)))
    job = farm.client.submit(request)
    assert farm.run_inline(job).state is JobState.PUBLISHED
    assert farm.fetched_shot(job) == expected_shot(request.plate, FrameRange(start=0, stop=40))
    epochs = [part.attempt[:4] for part in farm.client.manifest(job).parts]
    assert epochs == ["0001", "0001", "0002", "0001"]


def test_a_failed_job_submitted_again_goes_on_from_its_commits(farm: TinyFarm) -> None:
    log, once = farm.folder / "log", farm.folder / "once"
    trouble = Trouble(kind="bad plate", at=25, once=str(once), log=str(log))
    request = farm.request(trouble=trouble)
    job = farm.client.submit(request)
    assert farm.run_inline(job).state is JobState.FAILED
    assert farm.client.submit(request) == job
    assert farm.client.status(job).state is JobState.SUBMITTED
    assert farm.run_inline(job).state is JobState.PUBLISHED
    assert [json.loads(line)[1] for line in log.read_text().splitlines()] == [0, 10, 20, 30]
    assert farm.store.list_keys(QUEUE) == []


def test_a_job_submitted_again_has_a_marker_of_its_new_life(farm: TinyFarm) -> None:
    request = farm.request()
    job = farm.client.submit(request)
    (old,) = farm.store.list_keys(QUEUE)
    entry = Entry(state=JobState.FAILED, at_s=1.0, by="tests")
    Journal(farm.store, job).append(entry)
    assert farm.client.submit(request) == job
    # The controller that saw the job fail takes the marker of that life away only now.
    farm.store.delete(old)
    assert [job_of_marker(key) for key in farm.store.list_keys(QUEUE)] == [job]


def test_the_same_request_of_two_productions_is_two_jobs(farm: TinyFarm) -> None:
    request = farm.request()
    jobs = {farm.client.submit(replace(request, project=name)) for name in ("default", "nightfall")}
    assert len(jobs) == 2


def test_a_committed_file_that_was_damaged_never_reaches_the_shot(farm: TinyFarm) -> None:
    job = farm.client.submit(farm.request())
    runtime = InlineRuntime(farm.worker_config)
    controller = Controller(store=farm.store, runtime=runtime)
    shard = Shard(stage=Stage.RENDER, index=1, frames=FrameRange(start=10, stop=20))

    def damage(status: JobStatus) -> None:
        if status.stage is Stage.RENDER and status.shards_done == 2:
            for key in farm.store.list_keys(JobKeys(job=job).shard(shard)):
                if "segment" in key:
                    farm.store.put(key, b"[1, 2, 3]\n")

    controller = Controller(store=farm.store, runtime=runtime, on_status=damage)
    status = controller.run_until_final(job)
    runtime.close()
    assert (status.state, status.exit_code) == (JobState.FAILED, 7)
    assert "damaged in the store" in status.message
    assert farm.store.list_keys(JobKeys(job=job).out) == []


def test_a_damaged_deliverable_is_not_fetched_and_leaves_nothing(farm: TinyFarm) -> None:
    job = farm.client.submit(farm.request())
    farm.run_inline(job)
    farm.store.put(JobKeys(job=job).out + "subject-poses.npz", b"torn")
    with pytest.raises(Exception, match="is not what the manifest says"):
        farm.client.fetch(job, farm.folder / "out")
    assert list((farm.folder / "out").iterdir()) == []


def test_serving_takes_every_queued_job_the_urgent_one_first(farm: TinyFarm) -> None:
    usual = farm.client.submit(farm.request(shards=2))
    urgent_plate = write_plate(farm.folder / "urgent.txt", 31)
    urgent = farm.client.submit(
        JobRequest(plate=urgent_plate, subject=str(farm.folder / "subject"), priority=90)
    )
    ends: list[str] = []

    def listen(status: JobStatus) -> None:
        if status.state.is_final and status.job not in ends:
            ends.append(status.job)

    runtime = InlineRuntime(farm.worker_config)
    controller = Controller(store=farm.store, runtime=runtime, on_status=listen)
    controller.serve(lambda: len(ends) == 2)
    runtime.close()
    assert ends == [urgent, usual]
    assert {status.state for status in farm.client.list_jobs()} == {JobState.PUBLISHED}


def test_a_job_that_cannot_be_read_does_not_stop_the_others(farm: TinyFarm) -> None:
    farm.store.put(f"{QUEUE}00-20260101T000000.000000Z-0123456789abcdef", b"")
    job = farm.client.submit(farm.request())
    runtime = InlineRuntime(farm.worker_config)
    ends: list[str] = []
    controller = Controller(
        store=farm.store,
        runtime=runtime,
        on_status=lambda status: ends.append(status.job) if status.state.is_final else None,
    )
    controller.serve(lambda: bool(ends))
    runtime.close()
    assert ends[0] == job


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"plate": "absent.mp4"}, PlateError, "is not a file"),
        ({"plate": "subject/card.yaml"}, PlateError, "is not a video"),
        ({"plate": "empty.txt"}, UsageError, "no frames"),
        ({"subject": "nobody-known"}, SubjectError, "was not found"),
        ({"frames": "1040-1041"}, UsageError, "outside the plate"),
        ({"shards": 41}, UsageError, "40 frames cannot be cut into 41 shards"),
        ({"shards": 0}, UsageError, "40 frames cannot be cut into 0 shards"),
        ({"priority": 100}, UsageError, "priority 100"),
    ],
)
def test_a_request_that_cannot_be_met_writes_nothing(
    farm: TinyFarm, change: dict[str, object], error: type[Exception], message: str
) -> None:
    good = farm.request()
    write_plate(farm.folder / "empty.txt", 0)
    plate = farm.folder / str(change["plate"]) if "plate" in change else good.plate
    subject = str(change.get("subject", good.subject))
    frames = str(change["frames"]) if "frames" in change else None
    shards, priority = change.get("shards", 4), change.get("priority", 50)
    assert isinstance(shards, int) and isinstance(priority, int)
    request = JobRequest(
        plate=plate, subject=subject, frames=frames, shards=shards, priority=priority
    )
    with pytest.raises(error, match=message):
        farm.client.submit(request)
    assert farm.store.list_keys("") == []


def test_a_subject_in_the_store_is_found_by_name_and_by_version(farm: TinyFarm) -> None:
    first = farm.request()
    job = farm.client.submit(first)
    by_name = JobRequest(plate=first.plate, subject="tiny", settings=first.settings, shards=4)
    assert farm.client.submit(by_name) == job
    write_subject(farm.folder / "subject", Trouble(frame_s=0.001))
    farm.client.submit(first)
    with pytest.raises(SubjectError, match="several versions; name one: tiny@"):
        farm.client.submit(by_name)
    versions = {key.split("/")[2] for key in farm.store.list_keys("subjects/tiny/")}
    jobs = {
        farm.client.submit(
            JobRequest(
                plate=first.plate, subject=f"tiny@{version}", settings=first.settings, shards=4
            )
        )
        for version in versions
    }
    assert len(jobs) == 2 and job in jobs


def test_a_job_is_found_by_the_beginning_of_its_id(farm: TinyFarm) -> None:
    job = farm.client.submit(farm.request())
    assert farm.client.find_job(job[:5]) == job
    with pytest.raises(JobError, match="is no job's id"):
        farm.client.find_job("zzz")
    with pytest.raises(JobError, match="is no job's id"):
        farm.client.status("zzz")


def test_settings_reach_the_stages_as_they_were_resolved(farm: TinyFarm) -> None:
    request = farm.request()
    assert request.settings == RenderSettings(mode=Mode.EXACT, warmup_frames=3)
    job = farm.client.submit(request)
    farm.run_inline(job)
    assert RenderSettings.from_dict(farm.client.manifest(job).settings) == request.settings
