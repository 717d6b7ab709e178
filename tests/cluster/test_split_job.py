"""A job whose shards are split under way comes out whole, and whoever looks sees the pieces."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import run_command
from tiny_farm import TinyFarm, make_farm
from tiny_pipeline import Trouble, expected_shot

from bodyswap.config import Mode
from bodyswap.timing import FrameRange
from cluster.asking.submit import JobRequest
from cluster.farm.controller import Controller
from cluster.farm.decide import Action, Start, decide
from cluster.jobs.commit import read_commit
from cluster.jobs.job import JobState, Stage
from cluster.jobs.journal import Journal
from cluster.jobs.lease import Lease
from cluster.jobs.order import Order
from cluster.jobs.snapshot import Snapshot, WorkerView
from cluster.metering.farm_meter import FarmMeter
from cluster.workers.inline import InlineRuntime
from cluster.workers.worker import build_worker

FRAMES = 200
PIECES = [(0, 50), (50, 100), (100, 150), (150, 200)]


@pytest.fixture
def farm(tmp_path: Path) -> TinyFarm:
    return make_farm(tmp_path)


def _crowded(snapshot: Snapshot) -> list[Action]:
    """Decides as if there were three more idle workers, until something is split for them."""
    if any(job.plan is not None and job.plan.splits for job in snapshot.jobs):
        return decide(snapshot)
    others = [WorkerView(name=f"other{n}") for n in range(3)]
    actions = decide(replace(snapshot, workers=(*snapshot.workers, *others)))
    names = [other.name for other in others]
    return [a for a in actions if not (isinstance(a, Start) and a.worker in names)]


def _request(farm: TinyFarm) -> JobRequest:
    trouble = Trouble(log=str(farm.folder / "log"))
    return farm.request(frame_count=FRAMES, shards=None, mode=Mode.FAST, trouble=trouble)


def _rendered(farm: TinyFarm) -> list[int]:
    log = farm.folder / "log"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return sorted(json.loads(line)[1] for line in lines)


def _run(farm: TinyFarm, job: str, meter: FarmMeter | None = None) -> JobState:
    runtime = InlineRuntime(farm.worker_config)
    ask = meter.deciding(_crowded) if meter else _crowded
    try:
        controller = Controller(store=farm.store, runtime=runtime, decide_next=ask)
        return controller.run_until_final(job).state
    finally:
        runtime.close()


def test_idle_workers_split_the_last_shard_and_the_shot_is_whole(
    farm: TinyFarm, capsys: pytest.CaptureFixture[str]
) -> None:
    request = _request(farm)
    job = farm.client.submit(request)
    meter = FarmMeter(farm.store)
    assert _run(farm, job, meter) is JobState.PUBLISHED
    count = meter.meters.registry.get_sample_value
    assert count("bodyswap_shards_committed_total", {"stage": "pose"}) == 1
    assert count("bodyswap_shards_committed_total", {"stage": "render"}) == len(PIECES)
    assert _rendered(farm) == [start for start, _ in PIECES]
    manifest = farm.client.manifest(job)
    assert [(part.frames.start, part.frames.stop) for part in manifest.parts] == PIECES
    # Each place where it was split is a join as any other, and scored.
    assert [join.frame for join in manifest.joins] == [50, 100, 150]
    assert all(join.score is not None for join in manifest.joins)
    whole = expected_shot(request.plate, FrameRange(start=0, stop=FRAMES))
    apart = zip(farm.fetched_shot(job), whole, strict=True)
    assert max(abs(one[2] - other[2]) for one, other in apart) < 2.0
    code, _, err = run_command(capsys, "why", job, "render-0", "--store", farm.store.url)
    assert code and "is done as render-1 to render-4" in err
    code, out, _ = run_command(capsys, "why", job, "render-2", "--store", farm.store.url)
    assert code == 0 and "committed it" in out


def test_a_later_job_of_the_same_frames_takes_the_pieces_over(farm: TinyFarm) -> None:
    request = _request(farm)
    assert _run(farm, farm.client.submit(request)) is JobState.PUBLISHED
    _rendered(farm)
    other = replace(request, settings=request.settings.with_overrides(["join_tolerance=9.0"]))
    job = farm.client.submit(other)
    assert farm.run_inline(job).state is JobState.PUBLISHED
    assert _rendered(farm) == []
    assert all(part.reused_from for part in farm.client.manifest(job).parts)


def test_a_controller_that_comes_later_goes_on_with_the_pieces(farm: TinyFarm) -> None:
    job = farm.client.submit(_request(farm))
    runtime = InlineRuntime(farm.worker_config)
    controller = Controller(store=farm.store, runtime=runtime, decide_next=_crowded)
    controller.take_up(job)
    while not any(entry.split for entry in Journal(farm.store, job).read()):
        controller.step()
    runtime.close()
    # Whoever goes on has one worker, and would not have split anything.
    assert farm.run_inline(job).state is JobState.PUBLISHED
    assert [(p.frames.start, p.frames.stop) for p in farm.client.manifest(job).parts] == PIECES


def test_what_an_attempt_at_the_whole_comes_to_counts_no_more(farm: TinyFarm) -> None:
    job = farm.client.submit(_request(farm))
    zombie = build_worker("zombie", replace(farm.worker_config, scratch=farm.folder / "zombie"))
    committed = []

    def late(snapshot: Snapshot) -> list[Action]:
        (view,) = snapshot.jobs
        if view.plan is not None and view.plan.splits and not committed:
            plain = replace(view.plan, splits=())
            (whole,) = plain.shards(Stage.RENDER)
            lease = Lease(job=job, shard=whole, epoch=9, worker="zombie")
            solved = view.inputs_of(whole)
            zombie.run(Order(spec=view.spec, lease=lease, inputs=solved), lambda done: None)
            committed.append(read_commit(farm.store, job, whole))
        return _crowded(snapshot)

    runtime = InlineRuntime(farm.worker_config)
    controller = Controller(store=farm.store, runtime=runtime, decide_next=late)
    assert controller.run_until_final(job).state is JobState.PUBLISHED
    runtime.close()
    assert committed[0] is not None and committed[0].lease.worker == "zombie"
    parts = farm.client.manifest(job).parts
    assert [(p.frames.start, p.frames.stop) for p in parts] == PIECES
    assert all(part.worker == "inline" for part in parts)
