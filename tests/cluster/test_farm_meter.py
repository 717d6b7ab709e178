"""What happened on a farm is what its metrics say happened."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import run_command
from scraping import found, free_address, scraped
from specs import make_spec
from tiny_farm import TinyFarm, make_farm
from tiny_pipeline import Trouble

from bodyswap.config import Mode
from bodyswap.timing import FrameRange
from cluster.farm.controller import Controller
from cluster.farm.decide import decide
from cluster.jobs.commit import Commit, put_commit
from cluster.jobs.failures import Cause, Failure
from cluster.jobs.job import JobState, Stage
from cluster.jobs.keys import JobKeys
from cluster.jobs.lease import Lease
from cluster.jobs.order import Done, Report
from cluster.jobs.plan import Shard, make_plan
from cluster.jobs.progress import JobStatus
from cluster.jobs.snapshot import JobView, ShardView, Snapshot
from cluster.jobs.trace_id import trace_of
from cluster.metering.exporter import served
from cluster.metering.farm_meter import FarmMeter
from cluster.metering.metrics import ALL_METRICS, MOST_PROJECTS, OTHER_PROJECT, Kind, Meters
from cluster.workers.inline import InlineRuntime


def _run(farm: TinyFarm, meter: FarmMeter, job: str) -> None:
    crew = meter.metered(InlineRuntime(farm.worker_config))
    try:
        Controller(
            store=farm.store, runtime=crew, on_status=meter.hear, decide_next=meter.deciding(decide)
        ).run_until_final(job)
    finally:
        crew.close()


def test_a_job_that_fails_retries_and_repairs_is_counted(tmp_path: Path) -> None:
    farm, address = make_farm(tmp_path), free_address()
    trouble = Trouble(kind="bug", at=17, once=str(tmp_path / "once"), frame_s=0.002)
    request = farm.request(mode=Mode.FAST, trouble=trouble)
    settings = replace(request.settings, join_tolerance=0.1)
    job = farm.client.submit(replace(request, settings=settings))
    meter = FarmMeter(farm.store)
    with served([meter.collector], address):
        _run(farm, meter, job)
        seen = scraped(address)
    assert found(seen, "jobs_ended_total", "default", "published") == 1
    assert found(seen, "shards_committed_total", "render") == 4
    assert found(seen, "attempts_failed_total", "render", "unexpected") == 1
    assert found(seen, "attempts_failed_total", "render", "death") == 0
    assert 0 < found(seen, "wasted_seconds_total", "retry") < 60
    assert found(seen, "joins_total", "mended") == 3
    assert found(seen, "join_score_levels_count") == 3
    assert found(seen, "pose_confidence_ratio_sum") == pytest.approx(1.0)
    # Forty frames, and those that the failed attempt had finished before.
    assert 40 <= found(seen, "frames_total", "render") <= 49
    work_s = found(seen, "work_seconds_total", "render", "cpu")
    assert work_s >= 40 * 0.002
    assert found(seen, "shard_seconds_count", "render") == 4
    assert found(seen, "submit_to_first_commit_seconds_count", "default") == 1
    assert found(seen, "peak_memory_bytes", "host") > 1e6
    assert found(seen, "step_seconds_total", "render", "store") > 0


def test_what_a_job_brings_along_is_not_counted_again(tmp_path: Path) -> None:
    farm = make_farm(tmp_path)
    job = farm.client.submit(farm.request())
    _run(farm, FarmMeter(farm.store), job)
    farm.store.delete(JobKeys(job=job).manifest)
    again = FarmMeter(farm.store)
    _run(farm, again, job)
    value = again.meters.registry.get_sample_value
    assert value("bodyswap_shards_committed_total", {"stage": "render"}) == 0


def test_an_attempt_that_came_second_is_fenced_and_its_time_wasted(tmp_path: Path) -> None:
    farm = make_farm(tmp_path)
    meter = FarmMeter(farm.store)
    job = farm.client.submit(farm.request(trouble=Trouble(frame_s=0.01)))
    crew = meter.metered(InlineRuntime(farm.worker_config))
    controller = Controller(
        store=farm.store, runtime=crew, on_status=meter.hear, decide_next=meter.deciding(decide)
    )
    controller.take_up(job)
    value = meter.meters.registry.get_sample_value
    deadline_s = time.monotonic() + 60
    raced = False
    try:
        while not value("bodyswap_commits_fenced_total", {"stage": "render"}):
            assert time.monotonic() < deadline_s
            controller.step(0.02)
            held = [held for view in controller._snapshot().jobs for held in view.held]
            for lease in [each.lease for each in held if not raced]:
                if lease.shard.stage is Stage.RENDER:
                    other = type(lease)(job=job, shard=lease.shard, epoch=9, worker="other")
                    put_commit(farm.store, Commit(lease=other, files=(), frame_count=1))
                    raced = True
    finally:
        crew.close()
    assert value("bodyswap_commits_fenced_total", {"stage": "render"}) == 1
    assert (value("bodyswap_wasted_seconds_total", {"cause": "fenced"}) or 0) > 0


class _Echoing(InlineRuntime):
    """Tells every end twice, and one of an attempt that nobody here has begun."""

    def poll(self, timeout_s: float) -> list[Report]:
        reports = super().poll(timeout_s)
        ends = [report for report in reports if isinstance(report, Done)]
        strangers = [
            replace(end, lease=replace(end.lease, epoch=7, worker="stranger")) for end in ends
        ]
        return [*reports, *ends, *strangers]


def test_reports_that_change_nothing_are_counted_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    farm = make_farm(tmp_path)
    meter = FarmMeter(farm.store)
    job = farm.client.submit(farm.request(shards=2))
    crew = _Echoing(farm.worker_config)
    controller = Controller(
        store=farm.store, runtime=crew, on_status=meter.hear, decide_next=meter.deciding(decide)
    )
    assert controller.run_until_final(job).state is JobState.PUBLISHED
    crew.close()
    value = meter.meters.registry.get_sample_value
    # Two pose shards, a solve, two render shards and an assembly.
    assert value("bodyswap_reports_ignored_total", {"kind": "repeated"}) == 6
    assert value("bodyswap_reports_ignored_total", {"kind": "stale"}) == 6
    code, out, _ = run_command(capsys, "status", job, "--store", farm.store.url)
    assert code == 0 and "6 repeated and 6 stale reports ignored" in out


def test_projects_beyond_the_first_few_share_a_label() -> None:
    meters = Meters()
    labels = [meters.project(f"show-{n}") for n in range(MOST_PROJECTS + 10)]
    assert labels[0] == "show-0"
    assert set(labels[MOST_PROJECTS:]) == {OTHER_PROJECT}
    assert meters.project("show-0") == "show-0"


def test_names_end_with_their_unit_and_no_label_is_a_job_or_a_worker() -> None:
    assert len({row.name for row in ALL_METRICS}) == len(ALL_METRICS)
    for row in ALL_METRICS:
        assert row.name.endswith(row.unit), row.name
        assert not {"job", "shard", "worker", "attempt", "subject"} & set(row.labels), row.name
        assert row.help.endswith("."), row.name
        assert bool(row.buckets) == (row.kind is Kind.HISTOGRAM), row.name


def test_the_trace_of_a_job_is_in_its_logs(tmp_path: Path) -> None:
    farm = make_farm(tmp_path)
    job = farm.client.submit(farm.request())
    farm.run_inline(job)
    logs = farm.client.logs(job)
    assert logs and all(f"trace {trace_of(job)}" in log.text for log in logs)


def test_ten_thousand_jobs_of_very_many_projects_are_a_bounded_number_of_series(
    tmp_path: Path,
) -> None:
    meter, now_s = FarmMeter(make_farm(tmp_path).store), time.time()
    before = _series(meter)
    for number in range(10_000):
        job = _job(number)
        meter.look(_snapshot(now_s + number, job))
        job = _failed_once(job, list(Cause)[number % len(Cause)], f"ray-{number}")
        meter.look(_snapshot(now_s + number, job))
        meter.look(_snapshot(now_s + number, _committed(job)))
        state = list(JobState)[7 + number % 5]
        meter.hear(JobStatus(job=job.spec.job, state=state))
    after = _series(meter)
    assert meter.meters.registry.get_sample_value(
        "bodyswap_shards_committed_total", {"stage": "render"}
    ) == 10_000  # fmt: skip
    # Each of the projects that have a label of their own: a histogram and a few ways to end.
    assert before < after < before + MOST_PROJECTS * 25 + 300


def _series(meter: FarmMeter) -> int:
    return sum(len(family.samples) for family in meter.collector.collect())


def _snapshot(now_s: float, *jobs: JobView) -> Snapshot:
    return Snapshot(now_s=now_s, jobs=jobs, workers=(), shares={})


def _job(number: int) -> JobView:
    frames = FrameRange(start=0, stop=10)
    spec = replace(make_spec(frames=frames, plate=f"{number:064x}"), project=f"show-{number % 500}")
    plan = make_plan(spec, workers=1)
    shards = tuple(ShardView(shard=shard) for shard in plan.all_shards)
    return JobView(spec=spec, state=JobState.RENDERING, priority=50, plan=plan, shards=shards)


def _failed_once(job: JobView, cause: Cause, worker: str) -> JobView:
    failure = Failure(cause=cause, message="", exit_code=1, worker=worker, at_s=0.0)
    return replace(job, shards=tuple(replace(view, failures=(failure,)) for view in job.shards))


def _committed(job: JobView) -> JobView:
    def commit(shard: Shard) -> Commit:
        lease = Lease(job=job.spec.job, shard=shard, epoch=1, worker="w")
        return Commit(lease=lease, files=(), frame_count=10, work_s=1.0)

    shards = tuple(replace(view, commit=commit(view.shard)) for view in job.shards)
    return replace(job, shards=shards)
