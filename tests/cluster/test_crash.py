"""Processes are killed for real; another one goes on from the store and loses nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_farm import TinyFarm, make_farm
from tiny_pipeline import Trouble, expected_shot

from bodyswap.timing import FrameRange
from cluster.jobs.job import JobState
from cluster.jobs.keys import QUEUE, JobKeys

HERE = Path(__file__).parent
WHOLE = FrameRange(start=0, stop=40)


def _start(farm: TinyFarm, job: str, *death: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(HERE / "controller_process.py"), str(farm.folder), job, *death]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def _commits(farm: TinyFarm, job: str) -> dict[str, bytes | None]:
    keys = farm.store.list_keys(JobKeys(job=job).root)
    return {key: farm.store.get(key) for key in keys if key.endswith("/commit.json")}


def _rendered(log: Path) -> list[int]:
    return [json.loads(line)[1] for line in log.read_text().splitlines()] if log.exists() else []


def test_a_controller_killed_in_the_middle_is_followed_by_one_that_redoes_no_commit(
    tmp_path: Path,
) -> None:
    farm, log = make_farm(tmp_path), tmp_path / "log"
    request = farm.request(trouble=Trouble(frame_s=0.02, log=str(log)))
    job = farm.client.submit(request)
    process = _start(farm, job)
    deadline_s = time.monotonic() + 60
    while len(_rendered(log)) < 2:
        assert time.monotonic() < deadline_s and process.poll() is None
        time.sleep(0.01)
    time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    before = _commits(farm, job)
    rendered_before = _rendered(log)
    assert not farm.client.status(job).state.is_final
    assert farm.run_inline(job).state is JobState.PUBLISHED
    after = _commits(farm, job)
    assert len(before) >= 4 and before.items() <= after.items()
    again = _rendered(log)[len(rendered_before) :]
    committed = {
        json.loads(data or b"")["lease"]["shard"]["frames"]["start"]
        for key, data in before.items()
        if "/render/" in key
    }
    assert not committed & set(again) and committed | set(again) == {0, 10, 20, 30}
    assert farm.fetched_shot(job) == expected_shot(request.plate, WHOLE)
    assert farm.store.list_keys(QUEUE) == []


@pytest.mark.parametrize(
    ("when", "key_end"),
    [
        ("before", "render/00001/commit.json"),
        ("after", "render/00001/commit.json"),
        ("after", "plan.json"),
        ("before", "out/manifest.json"),
        ("after", "out/manifest.json"),
    ],
)
def test_a_death_exactly_at_a_marker_loses_and_repeats_nothing_that_was_committed(
    tmp_path: Path, when: str, key_end: str
) -> None:
    farm, log = make_farm(tmp_path), tmp_path / "log"
    request = farm.request(trouble=Trouble(log=str(log)))
    job = farm.client.submit(request)
    process = _start(farm, job, when, key_end)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    before = _commits(farm, job)
    assert farm.run_inline(job).state is JobState.PUBLISHED
    assert before.items() <= _commits(farm, job).items()
    assert farm.fetched_shot(job) == expected_shot(request.plate, WHOLE)
    expected = [0, 10, 10, 20, 30] if (when, "render" in key_end) == ("before", True) else None
    assert _rendered(log) == (expected or [0, 10, 20, 30])
    assert farm.store.list_keys(QUEUE) == []


def test_a_submission_cut_short_is_mended_by_submitting_again(tmp_path: Path) -> None:
    farm = make_farm(tmp_path)
    request = farm.request()
    job = farm.client.submit(request)
    for key in (*farm.store.list_keys(QUEUE), *farm.store.list_keys(JobKeys(job=job).journal)):
        farm.store.delete(key)
    assert farm.client.submit(request) == job
    assert len(farm.store.list_keys(QUEUE)) == 1
    assert farm.run_inline(job).state is JobState.PUBLISHED


def test_two_controllers_on_one_job_both_end_with_the_same_shot(tmp_path: Path) -> None:
    farm = make_farm(tmp_path)
    request = farm.request(trouble=Trouble(frame_s=0.005))
    job = farm.client.submit(request)
    other = _start(farm, job)
    status = farm.run_inline(job)
    answer, _ = other.communicate(timeout=60)
    assert status.state is JobState.PUBLISHED and answer.decode().strip() == "published"
    assert farm.fetched_shot(job) == expected_shot(request.plate, WHOLE)
    attempts = {part.attempt for part in farm.client.manifest(job).parts}
    kept = [
        key for key in farm.store.list_keys(JobKeys(job=job).root + "render/") if "segment" in key
    ]
    assert len(kept) == 4 and attempts <= {key.split("/")[-2] for key in kept}
