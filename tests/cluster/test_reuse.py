"""A changed request takes over what earlier jobs committed, and renders only what depends on it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import run_command
from tiny_farm import TinyFarm, make_farm
from tiny_pipeline import Trouble, expected_shot, write_poses

from bodyswap.config import Mode
from bodyswap.errors import UsageError
from bodyswap.timing import FrameRange
from cluster.asking.submit import JobRequest
from cluster.jobs.job import JobState
from cluster.jobs.keys import RESULTS, JobKeys

WHOLE = FrameRange(start=0, stop=96)


@pytest.fixture
def farm(tmp_path: Path) -> TinyFarm:
    return make_farm(tmp_path)


def _request(farm: TinyFarm, mode: Mode = Mode.FAST) -> JobRequest:
    log = Trouble(log=str(farm.folder / "log"))
    return farm.request(frame_count=96, shards=4, mode=mode, trouble=log)


def _rendered(farm: TinyFarm) -> list[int]:
    """First frames of the shards that were rendered since the last look."""
    log = farm.folder / "log"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return sorted(json.loads(line)[1] for line in lines)


def _reused(farm: TinyFarm, job: str) -> list[bool]:
    return [bool(part.reused_from) for part in farm.client.manifest(job).parts]


def _published(farm: TinyFarm, request: JobRequest) -> str:
    job = farm.client.submit(request)
    assert farm.run_inline(job).state is JobState.PUBLISHED
    return job


def _with(request: JobRequest, *overrides: str) -> JobRequest:
    return replace(request, settings=request.settings.with_overrides(overrides))


@pytest.mark.parametrize("mode", list(Mode))
def test_a_setting_that_no_stage_but_the_assembly_reads_renders_nothing(
    farm: TinyFarm, mode: Mode
) -> None:
    first = _published(farm, _request(farm, mode))
    assert _rendered(farm) == [0, 24, 48, 72]
    second = _published(farm, _with(_request(farm, mode), "join_tolerance=50"))
    assert second != first and _rendered(farm) == []
    assert _reused(farm, second) == [True] * 4
    assert farm.fetched_shot(second) == farm.fetched_shot(first)
    # What a third takes over is told by who made it, not by who took it over before.
    third = _published(farm, _with(_request(farm, mode), "join_tolerance=60"))
    assert {part.reused_from for part in farm.client.manifest(third).parts} == {first}


def test_another_encoder_keeps_the_poses_and_renders_all(farm: TinyFarm) -> None:
    _published(farm, _request(farm))
    _rendered(farm)
    job = _published(farm, _with(_request(farm), "codec=h264-10"))
    assert _rendered(farm) == [0, 24, 48, 72] and _reused(farm, job) == [False] * 4
    seen = farm.client.look(job)
    taken = [each.name for each in seen.shards if each.commit and each.commit.made_by]
    assert taken and all(name.startswith("pose-") for name in taken)


def test_one_corrected_frame_renders_its_shard_and_the_one_that_warms_up_on_it(
    farm: TinyFarm,
) -> None:
    request = _request(farm)
    poses = write_poses(farm.folder / "a.npz", request.plate, {})
    _published(farm, replace(request, poses=poses))
    _rendered(farm)
    corrected = write_poses(farm.folder / "b.npz", request.plate, {30: 99.0})
    _published(farm, replace(request, poses=corrected))
    assert _rendered(farm) == [24]
    # Frame 46 is warm-up of the shard that begins at 48.
    corrected = write_poses(farm.folder / "c.npz", request.plate, {46: 99.0})
    job = _published(farm, replace(request, poses=corrected))
    assert _rendered(farm) == [24, 48]
    assert _reused(farm, job) == [True, False, False, True]


def test_a_crop_depends_on_the_whole_shots_poses(farm: TinyFarm) -> None:
    request = _with(_request(farm), "crop=true")
    poses = write_poses(farm.folder / "a.npz", request.plate, {})
    _published(farm, replace(request, poses=poses))
    assert _rendered(farm) == [0, 24, 48, 72]
    corrected = write_poses(farm.folder / "b.npz", request.plate, {30: 99.0})
    _published(farm, replace(request, poses=corrected))
    assert _rendered(farm) == [0, 24, 48, 72]


def test_in_exact_mode_all_that_goes_on_from_a_changed_shard_is_rendered(farm: TinyFarm) -> None:
    request = _request(farm, Mode.EXACT)
    poses = write_poses(farm.folder / "a.npz", request.plate, {})
    _published(farm, replace(request, poses=poses))
    _rendered(farm)
    corrected = write_poses(farm.folder / "b.npz", request.plate, {70: 99.0})
    job = _published(farm, replace(request, poses=corrected))
    assert _rendered(farm) == [48, 72]
    assert farm.fetched_shot(job) == expected_shot(corrected, WHOLE)


def test_exact_results_of_another_kind_of_device_are_not_taken(
    farm: TinyFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    _published(farm, _request(farm, Mode.EXACT))
    _rendered(farm)
    monkeypatch.setenv("BODYSWAP_WORKER_KIND", "other")
    _published(farm, _with(_request(farm, Mode.EXACT), "join_tolerance=50"))
    assert _rendered(farm) == [0, 24, 48, 72]


def test_a_setting_of_a_range_renders_that_range_and_what_was_cut_for_it(farm: TinyFarm) -> None:
    request = _request(farm)
    _published(farm, request)
    _rendered(farm)
    ranged = replace(request, ranges=("1031-1040 warmup_frames=5",))
    job = _published(farm, ranged)
    assert _rendered(farm) == [24, 30, 40]
    numbers = [part.numbers for part in farm.client.manifest(job).parts]
    assert numbers == ["1001-1024", "1025-1030", "1031-1040", "1041-1048", "1049-1072", "1073-1096"]


def test_what_is_damaged_is_not_taken_over_but_made_anew(farm: TinyFarm) -> None:
    first = _published(farm, _request(farm))
    _rendered(farm)
    (key,) = [
        key for key in farm.store.list_keys(f"{JobKeys(job=first).root}render/00001/")
        if "segment" in key
    ]  # fmt: skip
    farm.store.put(key, b"other bytes")
    _published(farm, _with(_request(farm), "join_tolerance=50"))
    assert _rendered(farm) == [24]
    # It has taken the damaged one's place.
    _published(farm, _with(_request(farm), "join_tolerance=60"))
    assert _rendered(farm) == []


def test_a_changed_request_is_cut_as_the_shot_was_cut_before(farm: TinyFarm) -> None:
    free = replace(_request(farm), shards=None)
    _published(farm, free)
    assert _rendered(farm) == [0]
    _published(farm, _with(free, "join_tolerance=50"))
    assert _rendered(farm) == []


def test_ranges_that_cannot_be_are_refused_before_anything_is_written(farm: TinyFarm) -> None:
    for ranges, told in (
        (("1010-1020 codec=png",), "cannot be set for frames"),
        (("1010-1020",), "sets nothing for a range"),
        (("1010-1020 warmup_frames=5", "1015-1030 warmup_frames=6"), "overlap"),
        (("1010-1020 solve.smothing=off",), "did you mean 'solve.smoothing'"),
        (("2010-2020 warmup_frames=5",), "2010-2020"),
    ):
        with pytest.raises(UsageError, match=told):
            farm.client.submit(replace(_request(farm), ranges=ranges))
    assert farm.store.list_keys("") == []


def test_what_is_reused_is_told_before_and_after(
    farm: TinyFarm, capsys: pytest.CaptureFixture[str]
) -> None:
    first = _published(farm, _request(farm))
    changed = _with(_request(farm), "join_tolerance=50")
    stages = farm.client.plan(changed, workers=1).stages
    assert [(each.shards, each.shards_reused) for each in stages] == [
        (4, 4),
        (1, 1),
        (4, 4),
        (1, 0),
    ]
    job = farm.client.submit(changed)
    reuse = farm.client.reuse(job)
    assert (reuse.reused, reuse.shards) == (9, 10)
    farm.run_inline(job)
    assert farm.client.reuse(job) == reuse
    _, said, _ = run_command(capsys, "status", job, "--store", farm.store.url)
    assert "9 shards reused" in said
    _, said, _ = run_command(capsys, "why", job, "render-2", "--store", farm.store.url)
    assert f"taken over from job {first}, where inline committed it as render-2" in said


def test_a_job_alone_reuses_nothing(farm: TinyFarm) -> None:
    job = _published(farm, _request(farm))
    assert farm.client.reuse(job).reused == 0
    assert len(farm.store.list_keys(RESULTS)) == 9
    assert farm.client.status(job).shards_reused == 0
