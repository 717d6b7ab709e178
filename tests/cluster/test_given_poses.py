"""Jobs whose poses somebody corrected: no pose pass, the rest of the farm as ever."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from specs import make_spec
from tiny_farm import TinyFarm, make_farm
from tiny_pipeline import Trouble, expected_shot, write_poses

from bodyswap.errors import UsageError
from bodyswap.timing import FrameRange
from cluster.asking.submit import JobRequest
from cluster.jobs.job import JobSpec, JobState, Stage
from cluster.jobs.keys import JobKeys, poses_file
from cluster.jobs.plan import make_plan
from cluster.jobs.refs import PosesRef
from cluster.stores.record import file_hash, from_yaml, to_yaml

WHOLE = FrameRange(start=0, stop=40)
SPEC = make_spec(frames=WHOLE)


@pytest.fixture
def farm(tmp_path: Path) -> TinyFarm:
    return make_farm(tmp_path)


def _corrected(farm: TinyFarm, changed: dict[int, float], **options: object) -> JobRequest:
    request = farm.request(**options)  # type: ignore[arg-type]
    return replace(request, poses=write_poses(farm.folder / "poses.npz", request.plate, changed))


def test_given_poses_are_rendered_and_no_frame_is_posed(farm: TinyFarm) -> None:
    request = _corrected(farm, {5: 100.0})
    assert request.poses is not None
    job = farm.client.submit(request)
    assert farm.run_inline(job).state is JobState.PUBLISHED
    assert farm.fetched_shot(job) == expected_shot(request.poses, WHOLE)
    assert farm.fetched_shot(job) != expected_shot(request.plate, WHOLE)
    assert farm.store.list_keys(JobKeys(job=job).stage(Stage.POSE)) == []
    assert farm.store.head(poses_file(PosesRef(sha256=file_hash(request.poses)))) is not None
    states = [
        json.loads(farm.store.get(key) or b"")["state"]
        for key in farm.store.list_keys(JobKeys(job=job).journal)
    ]
    assert states == [
        "submitted",
        "planned",
        "solving",
        "rendering",
        "assembling",
        "verifying",
        "published",
    ]


def test_the_same_poses_are_the_same_job_and_others_another(farm: TinyFarm) -> None:
    plain = farm.client.submit(farm.request())
    request = _corrected(farm, {})
    corrected = farm.client.submit(request)
    assert farm.client.submit(replace(request, poses=request.poses)) == corrected != plain
    assert farm.client.submit(_corrected(farm, {7: 3.5})) not in (corrected, plain)


@pytest.mark.parametrize(("when", "key_end"), [("before", "0/commit.json"), ("after", "plan.json")])
def test_a_controller_that_dies_around_the_solve_is_followed_by_one_that_goes_on(
    farm: TinyFarm, when: str, key_end: str
) -> None:
    log = farm.folder / "log"
    request = _corrected(farm, {5: 100.0}, trouble=Trouble(log=str(log)))
    assert request.poses is not None
    job = farm.client.submit(request)
    controller = Path(__file__).parent / "controller_process.py"
    command = [sys.executable, str(controller), str(farm.folder), job, when, key_end]
    process = subprocess.run(command, capture_output=True, check=False)
    assert process.returncode == -signal.SIGKILL and not log.exists()
    assert farm.run_inline(job).state is JobState.PUBLISHED
    assert farm.fetched_shot(job) == expected_shot(request.poses, WHOLE)
    assert farm.store.list_keys(JobKeys(job=job).stage(Stage.POSE)) == []


def test_poses_of_another_plate_are_refused_before_anything_is_written(farm: TinyFarm) -> None:
    request = _corrected(farm, {})
    assert request.poses is not None
    short = write_poses(farm.folder / "short", request.poses, {})
    short.write_text("plate\n1\n2\n")
    with pytest.raises(UsageError, match="poses of another plate"):
        farm.client.submit(replace(request, poses=short))
    assert farm.store.list_keys("") == []


def test_a_subject_known_only_to_the_store_is_checked_against_its_card(farm: TinyFarm) -> None:
    request = _corrected(farm, {})
    job = farm.client.submit(request)
    assert farm.client.submit(replace(request, subject="tiny")) == job


def test_a_job_without_poses_has_the_id_and_reads_the_spec_it_had_before() -> None:
    assert replace(SPEC, settings={}).job == "fb2aa6a9c3b8eb43"
    before = b"".join(
        line for line in to_yaml(SPEC).splitlines(keepends=True) if b"poses" not in line
    )
    assert before != to_yaml(SPEC)
    assert from_yaml(before, JobSpec, what="job.yaml") == SPEC


def test_a_plan_of_given_poses_has_no_pose_shards_and_all_the_others() -> None:
    given = replace(SPEC, poses=PosesRef(sha256="e" * 64))
    plan, plain = make_plan(given, workers=2), make_plan(SPEC, workers=2)
    assert plan.pose == () and plan.render == plain.render
    assert plan.all_shards[0].stage is Stage.SOLVE
    assert given.job != SPEC.job and plan.content_hash != plain.content_hash
    assert from_yaml(to_yaml(given), JobSpec, what="job.yaml") == given
