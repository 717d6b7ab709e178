"""Real Ray on this machine, real processes, real deaths."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from tiny_farm import TinyFarm, make_farm
from tiny_pipeline import Trouble, expected_shot

from bodyswap.config import Mode
from bodyswap.errors import UsageError
from bodyswap.timing import FrameRange
from cluster.farm.controller import Controller
from cluster.jobs.failures import Cause
from cluster.jobs.job import JobState
from cluster.jobs.journal import Journal
from cluster.jobs.keys import JobKeys
from cluster.jobs.progress import JobStatus
from cluster.workers.crew import Share, default_workers, share
from cluster.workers.on_ray import RayRuntime
from cluster.workers.ray_nodes import start_ray
from cluster.workers.settings import FarmSettings

WHOLE = FrameRange(start=0, stop=40)


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> TinyFarm:
    return make_farm(tmp_path_factory.mktemp("farm"))


@pytest.fixture(scope="module")
def runtime(farm: TinyFarm) -> Iterator[RayRuntime]:
    """Two warm workers for all tests here: starting them is what takes time."""
    with pytest.MonkeyPatch.context() as environment:
        # Ray's processes inherit it, and so find the tiny pipeline.
        environment.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        start_ray(None, cpus=2)
    runtime = RayRuntime(farm.worker_config, FarmSettings(workers=2, orders_a_life=8))
    yield runtime
    runtime.close()
    ray.shutdown()


def _run(farm: TinyFarm, runtime: RayRuntime, job: str) -> JobStatus:
    return Controller(store=farm.store, runtime=runtime).run_until_final(job)


def _log(path: Path) -> list[tuple[int, int, float, float]]:
    return [tuple(json.loads(line)) for line in path.read_text().splitlines()]


def test_two_workers_render_two_shards_at_once_in_processes_of_their_own(
    farm: TinyFarm, runtime: RayRuntime
) -> None:
    log = farm.folder / "log"
    trouble = Trouble(frame_s=0.02, log=str(log))
    job = farm.client.submit(farm.request(mode=Mode.FAST, shards=4, trouble=trouble))
    heard: list[int] = []
    controller = Controller(
        store=farm.store,
        runtime=runtime,
        on_status=lambda status: heard.append(status.frames_done % 10),
    )
    status = controller.run_until_final(job)
    assert status.state is JobState.PUBLISHED
    renders = _log(farm.folder / "log")
    assert len({pid for pid, *_ in renders}) == 2
    together = [
        (a, b) for a in renders for b in renders if a[0] != b[0] and a[2] < b[3] and b[2] < a[3]
    ]
    assert together, "no two shards were rendered at the same time"
    assert any(heard), "no progress was heard from inside a shard"


def test_ray_renders_what_inline_renders(
    farm: TinyFarm, runtime: RayRuntime, tmp_path: Path
) -> None:
    inline = make_farm(tmp_path)
    by_ray, by_inline = (
        one.client.submit(one.request(mode=Mode.FAST, shards=3)) for one in (farm, inline)
    )
    assert by_ray == by_inline
    assert _run(farm, runtime, by_ray).state is JobState.PUBLISHED
    assert inline.run_inline(by_inline).state is JobState.PUBLISHED
    assert farm.fetched_shot(by_ray) == inline.fetched_shot(by_inline)


def test_a_killed_workers_shard_is_rendered_by_another_and_no_frame_is_lost(
    farm: TinyFarm, runtime: RayRuntime
) -> None:
    trouble = Trouble(kind="die", at=15, once=str(farm.folder / "died"))
    request = farm.request(trouble=trouble)
    job = farm.client.submit(request)
    assert _run(farm, runtime, job).state is JobState.PUBLISHED
    assert farm.fetched_shot(job) == expected_shot(request.plate, WHOLE)
    part = farm.client.manifest(job).parts[1]
    assert part.attempt.startswith("0002-")
    entries = [
        json.loads(farm.store.get(key) or b"")
        for key in farm.store.list_keys(JobKeys(job=job).journal)
    ]
    (death,) = [entry["failure"] for entry in entries if entry["failure"]]
    assert death["cause"] == "death" and death["worker"] != part.worker


def test_a_shard_that_kills_every_worker_is_quarantined_after_three(
    farm: TinyFarm, runtime: RayRuntime
) -> None:
    job = farm.client.submit(farm.request(trouble=Trouble(kind="die", at=15)))
    status = _run(farm, runtime, job)
    assert (status.state, status.exit_code) == (JobState.QUARANTINED, 8)
    assert "render 1 (1011-1020) failed 3 times" in status.message


def test_bad_input_fails_the_job_with_its_own_line_from_inside_an_actor(
    farm: TinyFarm, runtime: RayRuntime
) -> None:
    job = farm.client.submit(farm.request(trouble=Trouble(kind="bad plate", at=15)))
    status = _run(farm, runtime, job)
    assert (status.exit_code, status.message) == (
        3,
        "frame 1005 does not decode; the plate is damaged",
    )


def test_after_some_orders_a_worker_is_replaced_by_a_fresh_one(
    farm: TinyFarm, runtime: RayRuntime
) -> None:
    before = set[str]()
    for shards in (9, 10, 11):
        before = before or set(runtime.workers)
        job = farm.client.submit(farm.request(mode=Mode.FAST, shards=shards))
        assert _run(farm, runtime, job).state is JobState.PUBLISHED
    end_s = time.monotonic() + 120.0
    while before & set(runtime.workers) or len(runtime.workers) < 2:
        assert time.monotonic() < end_s, f"still {runtime.workers} of {before}"
        runtime.poll(0.1)


def test_a_worker_that_hangs_is_ended_and_its_shard_done_by_another(
    farm: TinyFarm, runtime: RayRuntime
) -> None:
    request = farm.request(trouble=Trouble(kind="hang", at=15, once=str(farm.folder / "hung")))
    job = farm.client.submit(request)
    # An hour an instant: what counts is the time without a frame.
    clock = _FastClock(speed=300.0)
    controller = Controller(store=farm.store, runtime=runtime, clock=clock)
    assert controller.run_until_final(job).state is JobState.PUBLISHED
    assert farm.fetched_shot(job) == expected_shot(request.plate, WHOLE)
    entries = Journal(farm.store, job).read()
    # On a busy machine others may seem to hang too, by such a clock.
    assert {entry.failure.cause for entry in entries if entry.failure} == {Cause.STALL}


class _FastClock:
    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._start_s = time.monotonic()

    def __call__(self) -> float:
        return 1.8e9 + self._speed * (time.monotonic() - self._start_s)


def test_workers_share_a_machine_equally() -> None:
    assert share(cpus=16, gpus=2, workers=2) == Share(cpus=8, gpus=1, threads=8)
    assert share(cpus=2, gpus=1, workers=3) == Share(cpus=0.666, gpus=0.333, threads=1)
    assert share(cpus=5, gpus=0, workers=2) == Share(cpus=2, gpus=0, threads=2)
    assert default_workers(cpus=64, gpus=8) == 8
    assert default_workers(cpus=2, gpus=0) == 2
    assert default_workers(cpus=64, gpus=0) == 4


def test_a_runtime_of_no_workers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="0 workers"):
        RayRuntime(make_farm(tmp_path).worker_config, FarmSettings(workers=0))
    assert not (tmp_path / "scratch").exists()
