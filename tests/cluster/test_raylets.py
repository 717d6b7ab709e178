"""Several real raylets on this machine: who works where, who leaves, who grows, who comes later."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import ray
from command_line import run_command
from film_pipeline import FILM_PIPELINE, FilmInspector, frame_of, write_film_plate
from placed_pipeline import GROWS_BYTES, LAST_TRY, NOTES, PLACED_PIPELINE, Note, read_notes
from ray._private.ray_constants import AUTOSCALER_RESOURCE_REQUEST_CHANNEL
from ray._raylet import GcsClient
from ray.autoscaler.sdk import request_resources
from ray.experimental.internal_kv import _internal_kv_get
from raylets import Raylets, own_token, until
from tiny_farm import TinyFarm, make_farm
from tiny_pipeline import Trouble, expected_shot, write_subject

from bodyswap.config import Mode, RenderSettings
from bodyswap.decode import decode
from bodyswap.media.index import index_clip
from bodyswap.timing import FrameRange
from cluster.asking.submit import JobRequest
from cluster.client import Client
from cluster.farm.controller import Controller
from cluster.farm.decide import Action
from cluster.farm.decide import decide as what_next
from cluster.jobs.job import JobState, Stage
from cluster.jobs.journal import Journal
from cluster.jobs.keys import JobKeys
from cluster.jobs.observe import read_spec
from cluster.jobs.plan import make_plan
from cluster.jobs.snapshot import Snapshot
from cluster.stores.record import to_json
from cluster.workers.on_ray import RayRuntime
from cluster.workers.process_tree import find_process
from cluster.workers.ray_nodes import start_ray
from cluster.workers.settings import FarmSettings, Resources

HERE = Path(__file__).parent
WHOLE = FrameRange(start=0, stop=40)
_PREEMPTION = 2
# A busy machine takes minutes to start three raylets.
pytestmark = pytest.mark.timeout(900)


class Nodes:
    """A head, "poser", that is the only one to have `pose_node`, and what is added."""

    def __init__(self, folder: Path, notes: Path) -> None:
        self._notes = notes
        paths = os.pathsep.join([str(HERE.parent.parent), str(HERE)])
        # Children are to end with their worker, whatever an operator's Ray does of itself.
        alone = {"RAY_process_group_cleanup_enabled": "false"}
        environment = {
            **alone,
            "PYTHONPATH": paths,
            NOTES: str(notes),
            "RAY_AUTH_TOKEN": own_token(),
        }
        head = ["--node-name", "poser", "--num-cpus", "1", "--resources", '{"pose_node": 1}']
        self._raylets = Raylets(folder, [], environment, head=head)
        self.address = self._raylets.address

    def add_renderer(self, name: str, *told: str) -> None:
        asked = ["--node-name", name, "--num-cpus", "1", "--resources", '{"render_node": 1}']
        self._raylets.add_node([*asked, *told])

    def id_of(self, name: str) -> str:
        (found,) = [node["NodeID"] for node in _living() if node["NodeName"] == name]
        return str(found)

    def name_of(self, node: str) -> str:
        (found,) = [each["NodeName"] for each in ray.nodes() if each["NodeID"] == node]
        return str(found)

    def give_notice(self, name: str) -> None:
        """As a cloud does that takes a machine back in two minutes, and as `ray drain-node`."""
        by_ms = int(1e3 * (time.time() + 120.0))
        client = GcsClient(address=self.address)
        assert client.drain_node(self.id_of(name), _PREEMPTION, "spot", by_ms)[0]

    def notes(self, stage: Stage) -> list[Note]:
        return read_notes(self._notes, stage)

    def forget_notes(self) -> None:
        self._notes.unlink(missing_ok=True)

    def close(self) -> None:
        self._raylets.close()


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with TemporaryDirectory(prefix="ray-") as short:
        nodes = Nodes(Path(short), tmp_path_factory.mktemp("notes") / "notes")
        nodes.add_renderer("renderer-1", "--num-gpus", "1")
        nodes.add_renderer("renderer-2")
        try:
            start_ray(nodes.address)
            until(lambda: len(_living()) == 3, "the nodes are not up", meanwhile=_pause)
            yield nodes
        finally:
            ray.shutdown()
            nodes.close()


def _pause() -> None:
    time.sleep(0.1)


def _living() -> list[dict[str, str]]:
    return [node for node in ray.nodes() if node["Alive"]]


@pytest.fixture
def farm(tmp_path: Path, nodes: Nodes) -> TinyFarm:
    nodes.forget_notes()
    return make_farm(tmp_path)


def _runtime(farm: TinyFarm, settings: FarmSettings) -> RayRuntime:
    return RayRuntime(replace(farm.worker_config, pipeline=PLACED_PIPELINE), settings)


def _resources(**asked: Resources) -> dict[str, Resources]:
    """A tenth of a core of any machine for every stage, but those of which something is said."""
    return {str(stage): asked.get(str(stage), {"cpu": 0.1}) for stage in Stage}


def test_a_stage_goes_only_to_machines_that_have_what_it_asks_for(
    nodes: Nodes, farm: TinyFarm
) -> None:
    resources = _resources(pose={"pose_node": 0.5}, render={"render_node": 0.5})
    job = farm.client.submit(farm.request(mode=Mode.FAST, trouble=Trouble(frame_s=0.02)))
    status = farm.run(job, _runtime(farm, FarmSettings(workers=1, resources=resources)))
    assert status.state is JobState.PUBLISHED
    renderers = {nodes.id_of("renderer-1"), nodes.id_of("renderer-2")}
    assert {note.node for note in nodes.notes(Stage.POSE)} == {nodes.id_of("poser")}
    renders = nodes.notes(Stage.RENDER)
    assert len(renders) == 4 and {note.node for note in renders} <= renderers


def test_pose_and_render_share_one_gpu_and_others_see_none(nodes: Nodes, farm: TinyFarm) -> None:
    resources = _resources(pose={"gpu": 0.5}, render={"gpu": 0.5, "render_node": 0.5})
    runtime = _runtime(farm, FarmSettings(workers=1, resources=resources))
    job = farm.client.submit(farm.request(mode=Mode.FAST))
    assert farm.run(job, runtime).state is JobState.PUBLISHED
    poses, renders = nodes.notes(Stage.POSE), nodes.notes(Stage.RENDER)
    assert {note.node for note in [*poses, *renders]} == {nodes.id_of("renderer-1")}
    assert {note.gpus for note in [*poses, *renders]} == {"0"}
    assert not {note.pid for note in poses} & {note.pid for note in renders}
    # Whoever asked for no GPU must not take memory of one.
    assert {note.gpus for note in nodes.notes(Stage.SOLVE)} == {""}


def test_a_worker_that_grows_is_replaced_between_shards_and_its_work_stays(
    nodes: Nodes, farm: TinyFarm
) -> None:
    most_gib = 0.4
    settings = FarmSettings(workers=1, most_memory_gib=most_gib, resources=_resources())
    request = farm.request(shards=8, trouble=Trouble(kind="grow"))
    job = farm.client.submit(request)
    assert farm.run(job, _runtime(farm, settings)).state is JobState.PUBLISHED
    assert farm.fetched_shot(job) == expected_shot(request.plate, WHOLE)
    renders = nodes.notes(Stage.RENDER)
    assert len(renders) == 8, "what was rendered is not rendered again"
    assert len({note.pid for note in renders}) > 1
    largest = max(note.resident_bytes for note in renders)
    assert largest < most_gib * 2**30 + 1.1 * GROWS_BYTES


def test_what_the_queue_needs_is_asked_of_the_autoscaler_and_let_go(
    nodes: Nodes, farm: TinyFarm
) -> None:
    resources = _resources(render={"gpu": 0.5, "what_nobody_has": 1.0})
    settings = FarmSettings(workers=8, autoscale=True, idle_s=0.0, resources=resources)
    # A controller that was killed before this one has left its wish.
    request_resources(bundles=[{"GPU": 1.0}])
    runtime = _runtime(farm, settings)
    with closing(runtime):
        runtime.want({})
        assert _asked_of_autoscaler() == []
        runtime.want({Stage.RENDER: 2})
        assert _asked_of_autoscaler() == 2 * [{"GPU": 0.5, "what_nobody_has": 1.0}]
        until(
            lambda: not _asked_of_autoscaler(),
            "it is not let go",
            meanwhile=lambda: runtime.want({}),
        )
        runtime.want({Stage.RENDER: 2})
        assert _asked_of_autoscaler()
    assert _asked_of_autoscaler() == []


def _asked_of_autoscaler() -> object:
    """What Ray's server has been asked for, which is what its autoscaler goes by."""
    return json.loads(_internal_kv_get(AUTOSCALER_RESOURCE_REQUEST_CHANNEL) or b"[]")


def test_a_killed_worker_leaves_no_child_and_no_frame_is_lost(nodes: Nodes, farm: TinyFarm) -> None:
    killed: list[Note] = []

    def kill_one(snapshot: Snapshot) -> list[Action]:
        renders = nodes.notes(Stage.RENDER)
        if renders and not killed:
            killed.append(renders[0])
            os.kill(renders[0].pid, signal.SIGKILL)
        return what_next(snapshot)

    request = farm.request(shards=2, trouble=Trouble(kind="child", frame_s=0.1))
    job = farm.client.submit(request)
    settings = FarmSettings(workers=1, resources=_resources())
    assert _run(farm, job, _runtime(farm, settings), kill_one) is JobState.PUBLISHED
    assert farm.fetched_shot(job) == expected_shot(request.plate, WHOLE)
    assert [entry.failure.cause for entry in _failures(farm, job)] == ["death"]
    children = [note.child for note in nodes.notes(Stage.RENDER)]
    assert len(children) == 3
    until(lambda: not any(map(find_process, children)), "children are left", meanwhile=_pause)


def _failures(farm: TinyFarm, job: str) -> list:
    return [entry for entry in Journal(farm.store, job).read() if entry.failure]


def _run(
    farm: TinyFarm, job: str, runtime: RayRuntime, decide_next: Callable[..., list[Action]]
) -> JobState:
    try:
        controller = Controller(store=farm.store, runtime=runtime, decide_next=decide_next)
        return controller.run_until_final(job).state
    finally:
        runtime.close()


def test_a_shard_planned_for_one_worker_is_split_for_two_and_the_film_is_whole(
    nodes: Nodes, farm: TinyFarm
) -> None:
    client = Client(farm.store, inspector=FilmInspector(), by="tests")
    plate = write_film_plate(farm.folder / "s010.mp4", 60)
    subject = str(write_subject(farm.folder / "subject", Trouble(frame_s=0.01)))
    settings = RenderSettings(warmup_frames=0)
    job = client.submit(JobRequest(plate=plate, subject=subject, settings=settings))
    spec = read_spec(farm.store, job)
    assert spec is not None
    farm.store.put_if_absent(JobKeys(job=job).plan, to_json(make_plan(spec, workers=1)))
    runtime = RayRuntime(
        replace(farm.worker_config, pipeline=FILM_PIPELINE),
        FarmSettings(workers=2, resources=_resources()),
    )
    runtime.want({Stage.POSE: 1})
    until(
        lambda: len(runtime.idle_workers) == 2, "they are not two",
        meanwhile=lambda: runtime.poll(0.1) and None,
    )  # fmt: skip
    assert _run(farm, job, runtime, what_next) is JobState.PUBLISHED
    assert [each.split.at for each in Journal(farm.store, job).read() if each.split] == [(30,)]
    parts = client.manifest(job).parts
    assert [(part.frames.start, part.frames.stop) for part in parts] == [(0, 30), (30, 60)]
    assert len({part.worker for part in parts}) == 2
    client.fetch(job, farm.folder / "out")
    shot = index_clip(farm.folder / "out/shot.mp4")
    decoded = [frame_of(each) for batch in decode(shot, shot.frames) for each in batch.rgb_NHW3]
    assert decoded == list(range(60))


def test_machines_that_leave_hand_their_work_on_and_nobody_is_blamed(
    nodes: Nodes, farm: TinyFarm, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first is drained by its operator, the second has a spot notice, and a third comes."""
    resources = _resources(render={"render_node": 1})
    runtime = _runtime(farm, FarmSettings(workers=1, resources=resources))
    left: list[str] = []

    def leave(snapshot: Snapshot) -> list[Action]:
        renders = nodes.notes(Stage.RENDER)
        for earlier in renders[:-1]:
            assert find_process(earlier.pid) is None, "it is rendered by two at once"
        half_done = any(held.frames_done == 20 for held in snapshot.jobs[0].held)
        if len(left) < len(renders) < LAST_TRY and half_done:
            left.append(nodes.name_of(renders[-1].node))
            if len(left) == 1:
                told = run_command(capsys, "farm", "drain", left[0], "--store", farm.store.url)
                assert told[0] == 0
            else:
                nodes.give_notice(left[1])
                nodes.add_renderer("renderer-3")
        return what_next(snapshot)

    request = farm.request(shards=1, trouble=Trouble(kind="linger"))
    job = farm.client.submit(request)
    assert _run(farm, job, runtime, leave) is JobState.PUBLISHED
    assert farm.fetched_shot(job) == expected_shot(request.plate, WHOLE)
    assert not _failures(farm, job)
    assert set(left) == {"renderer-1", "renderer-2"}
    (part,) = farm.client.manifest(job).parts
    assert part.attempt.startswith("0003-")
    assert nodes.name_of(nodes.notes(Stage.RENDER)[-1].node) == "renderer-3"
