"""Ray's own autoscaler brings a machine for what waits in the queue, and takes it away again.

pytest tests/cluster/autoscaling.py: too long for every day's tests.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import ray
import ray.autoscaler.v2.utils
from placed_pipeline import NOTES, PLACED_PIPELINE, read_notes
from ray._raylet import GcsClient
from ray.autoscaler._private.fake_multi_node.node_provider import (
    FAKE_HEAD_NODE_ID,
    FAKE_HEAD_NODE_TYPE,
)
from ray.autoscaler.sdk import request_resources
from ray.autoscaler.v2.sdk import get_cluster_resource_state
from raylets import Raylets, own_token, until
from tiny_farm import TinyFarm, make_farm
from tiny_pipeline import expected_shot

from bodyswap.config import Mode
from bodyswap.timing import FrameRange
from cluster.farm.controller import Controller
from cluster.jobs.job import JobState, Stage
from cluster.workers.on_ray import RayRuntime
from cluster.workers.ray_nodes import start_ray
from cluster.workers.settings import FarmSettings

HERE = Path(__file__).parent
_MACHINE = {"CPU": 1, "render_node": 1, "object_store_memory": 80_000_000}
_PROVIDER = "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider"
# A busy machine takes minutes for it.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Of a Ray that has a head alone, and may have two machines more, each a raylet here."""
    # Ray asks once a process which autoscaler there is, whatever cluster it joins later.
    monkeypatch.setattr(ray.autoscaler.v2.utils, "cached_is_autoscaler_v2", None)
    settings = tmp_path / "autoscaler.json"

    def write_settings(address: str) -> None:
        settings.write_text(json.dumps(_autoscaler(address)))

    environment = {
        "PYTHONPATH": os.pathsep.join([str(HERE.parent.parent), str(HERE)]),
        NOTES: str(tmp_path / "notes"),
        "RAY_AUTH_TOKEN": own_token(),
        "RAY_FAKE_CLUSTER": "1",
        "AUTOSCALER_UPDATE_INTERVAL_S": "1",
        "RAY_enable_autoscaler_v2": "1",
        "RAY_CLOUD_INSTANCE_ID": FAKE_HEAD_NODE_ID,
        "RAY_OVERRIDE_NODE_ID_FOR_TESTING": FAKE_HEAD_NODE_ID,
    }
    head = ["--num-cpus", "0", "--autoscaling-config", str(settings)]
    with TemporaryDirectory(prefix="ray-") as short:
        raylets = Raylets(Path(short), [], environment, head=head, before_start=write_settings)
        with closing(raylets):
            start_ray(raylets.address)
            yield raylets.address
            ray.shutdown()


def _autoscaler(address: str) -> dict[str, object]:
    kinds = {
        FAKE_HEAD_NODE_TYPE: {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
        "renderer": {"resources": _MACHINE, "node_config": {}, "min_workers": 0, "max_workers": 2},
    }
    return {
        "cluster_name": "farm",
        "max_workers": 2,
        "idle_timeout_minutes": 0.03,
        "upscaling_speed": 1.0,
        "provider": {
            "type": "external",
            "module": _PROVIDER,
            "gcs_address": address,
            "head_node_id": FAKE_HEAD_NODE_ID,
            "launch_multiple": True,
            "disable_node_updaters": True,
            "disable_launch_config_check": True,
        },
        "available_node_types": kinds,
        "head_node_type": FAKE_HEAD_NODE_TYPE,
        **{f"{whose}setup_commands": [] for whose in ("", "head_", "worker_")},
        **{f"{whose}_start_ray_commands": [] for whose in ("head", "worker")},
        "initialization_commands": [],
        "file_mounts": {},
        "cluster_synced_files": [],
        "file_mounts_sync_continuously": False,
        "rsync_exclude": [],
        "rsync_filter": [],
        "docker": {},
        "auth": {},
    }


def test_a_machine_comes_for_the_queue_and_goes_when_nothing_is_left(
    address: str, tmp_path: Path
) -> None:
    farm = make_farm(tmp_path)
    resources = {str(stage): {"render_node": 0.5} for stage in Stage}
    settings = FarmSettings(workers=2, autoscale=True, idle_s=0.5, resources=resources)
    config = replace(farm.worker_config, pipeline=PLACED_PIPELINE)
    # A controller that was killed before this one has left its wish.
    request_resources(bundles=[{"what_nobody_has": 1.0}])
    assert _asked(address) == {"what_nobody_has": 1.0}
    runtime = RayRuntime(config, settings)
    with closing(runtime):
        controller = Controller(store=farm.store, runtime=runtime)
        _tend(controller, lambda: not _asked(address), "the dead one's wish is still there")
        assert _machines() == set()
        request = farm.request(mode=Mode.FAST)
        job = farm.client.submit(request)
        _tend(controller, lambda: _asked(address) == {"render_node": 1.0}, "nothing is asked for")
        _tend(controller, lambda: bool(_machines()), "no machine comes")
        came = _machines()
        _tend(controller, lambda: _is_over(farm, job), "the job does not end")
        _tend(controller, lambda: not _asked(address), "what is asked for is not let go")
        _tend(controller, lambda: not _machines(), "the machine does not go")
    assert farm.client.status(job).state is JobState.PUBLISHED
    shot, whole = farm.fetched_shot(job), FrameRange(start=0, stop=40)
    assert [row[:2] for row in shot] == [row[:2] for row in expected_shot(request.plate, whole)]
    assert {note.node for note in read_notes(tmp_path / "notes", Stage.RENDER)} <= came
    assert len(came) == 1, "half a machine for each of two workers is one machine"


def _tend(controller: Controller, is_so: Callable[[], bool], otherwise: str) -> None:
    until(is_so, otherwise, meanwhile=lambda: controller.tend(0.1))


def _is_over(farm: TinyFarm, job: str) -> bool:
    return farm.client.status(job).state.is_final


def _machines() -> set[str]:
    """All but the head."""
    return {node["NodeID"] for node in ray.nodes() if node["Alive"]} - {FAKE_HEAD_NODE_ID}


def _asked(address: str) -> dict[str, float]:
    """What Ray's server has been asked for in all, which is what its autoscaler goes by."""
    state = get_cluster_resource_state(GcsClient(address=address))
    total: dict[str, float] = {}
    for constraint in state.cluster_resource_constraints:
        for each in constraint.resource_requests:
            for name, amount in each.request.resources_bundle.items():
                total[name] = total.get(name, 0.0) + each.count * amount
    return total
