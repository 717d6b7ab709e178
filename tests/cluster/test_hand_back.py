"""A worker that has to leave hands its shard back, and nobody is blamed for it."""

from pathlib import Path

from tiny_farm import TinyFarm, make_farm
from tiny_pipeline import expected_shot

from bodyswap.timing import FrameRange
from cluster.farm.controller import Controller
from cluster.farm.decide import Action, decide
from cluster.farm.share import match_workers
from cluster.jobs.job import JobState, Stage
from cluster.jobs.journal import Journal
from cluster.jobs.keys import JobKeys
from cluster.jobs.order import HandedBack, Order
from cluster.jobs.snapshot import JobView, Snapshot, WorkerView
from cluster.telling.farm_seen import FarmSeen, farm_seen
from cluster.workers.inline import InlineRuntime


class _Leaving(InlineRuntime):
    """Hands the first render shards back, as one does whose machine is about to leave."""

    leaves_left = 5

    @property
    def leaving_nodes(self) -> tuple[str, ...]:
        return ("render-07",)

    def start(self, worker: str, order: Order) -> None:
        if order.lease.shard.stage is Stage.RENDER and self.leaves_left:
            self.leaves_left -= 1
            self._reports.put(HandedBack(lease=order.lease))
        else:
            super().start(worker, order)


def test_a_shard_handed_back_is_done_by_another_and_is_no_failure(tmp_path: Path) -> None:
    farm = make_farm(tmp_path)
    request = farm.request(shards=2)
    job = farm.client.submit(request)
    status = farm.run(job, _Leaving(farm.worker_config))
    assert status.state is JobState.PUBLISHED
    assert farm.fetched_shot(job) == expected_shot(request.plate, FrameRange(start=0, stop=40))
    assert not [entry for entry in Journal(farm.store, job).read() if entry.failure]
    leases = farm.store.list_keys(JobKeys(job=job).stage(Stage.RENDER))
    assert sum("/lease-" in key for key in leases) == 2 + 5


def test_the_farm_says_which_machines_are_about_to_leave(tmp_path: Path) -> None:
    farm, seen = make_farm(tmp_path), list[FarmSeen]()

    def see(snapshot: Snapshot) -> list[Action]:
        seen.append(farm_seen(snapshot, "here"))
        return decide(snapshot)

    job = farm.client.submit(farm.request(shards=2))
    runtime = _Leaving(farm.worker_config)
    try:
        Controller(store=farm.store, runtime=runtime, decide_next=see).run_until_final(job)
    finally:
        runtime.close()
    assert seen[0].leaving_nodes == ("render-07",)


def test_a_shard_goes_to_a_worker_that_has_the_resources_of_its_stage(tmp_path: Path) -> None:
    snapshot = _snapshot(make_farm(tmp_path))
    (job,) = snapshot.jobs
    assert job.stage is Stage.POSE
    matches = list(match_workers(snapshot, [job]))
    assert {match.worker for match in matches} == {"poser"}


def _snapshot(farm: TinyFarm) -> Snapshot:
    """One job at its pose stage, one worker for poses, one for renders."""
    taken: list[JobView] = []

    class SeenError(Exception):
        pass

    def see(snapshot: Snapshot) -> list[Action]:
        if snapshot.jobs[0].stage is not None:
            taken.extend(snapshot.jobs)
            raise SeenError
        return decide(snapshot)

    job = farm.client.submit(farm.request(shards=4))
    runtime = InlineRuntime(farm.worker_config)
    try:
        Controller(store=farm.store, runtime=runtime, decide_next=see).run_until_final(job)
    except SeenError:
        pass
    finally:
        runtime.close()
    workers = (
        WorkerView(name="poser", stages=frozenset({Stage.POSE})),
        WorkerView(name="renderer", stages=frozenset({Stage.RENDER})),
    )
    return Snapshot(now_s=2e9, jobs=tuple(taken), workers=workers, shares={})
