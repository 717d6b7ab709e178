"""What an operator's file gives to workers, and what follows from it."""

from dataclasses import replace
from pathlib import Path

import pytest

from bodyswap.errors import UsageError
from cluster.farm.drains import drain, drained_nodes, let_in
from cluster.jobs.job import Stage
from cluster.stores.local import LocalStore
from cluster.workers.crew import Share, cluster_share, crews
from cluster.workers.settings import FarmSettings, read_farm_settings

_PLAIN = Share(cpus=2, gpus=1, threads=2)


def _read(path: Path, text: str) -> FarmSettings:
    path.write_text(text)
    return read_farm_settings(path)


def test_stages_that_ask_for_the_same_share_their_workers(tmp_path: Path) -> None:
    settings = _read(
        tmp_path / "farm.yaml",
        "workers: 3\nresources:\n"
        "  pose: {gpu: 0.5, render_node: 1}\n  render: {render_node: 1, gpu: 0.5}\n",
    )
    gpu, plain = crews(settings, _PLAIN, 3)
    assert gpu.stages == {Stage.POSE, Stage.RENDER} and gpu.most == 3
    assert gpu.resources == {"gpu": 0.5, "render_node": 1.0}
    assert plain.stages == {Stage.SOLVE, Stage.ASSEMBLE}
    assert plain.resources == {"cpu": 2, "gpu": 1}


def test_a_farm_of_which_nothing_is_said_has_workers_of_one_kind() -> None:
    (crew,) = crews(FarmSettings(), _PLAIN, 2)
    assert crew.stages == set(Stage)


def test_a_worker_of_so_many_cores_computes_on_so_many_threads() -> None:
    settings = FarmSettings(resources={"render": {"cpu": 8}, "pose": {"gpu": 0.5}})
    threads = {stage: crew.threads for crew in crews(settings, _PLAIN, 1) for stage in crew.stages}
    assert (threads[Stage.RENDER], threads[Stage.POSE], threads[Stage.SOLVE]) == (8, 2, 2)


def test_of_a_cluster_without_machines_no_part_is_guessed() -> None:
    whole = FarmSettings(workers=3, resources={str(stage): {"gpu": 1} for stage in Stage})
    assert cluster_share({}, whole)[1] == 3
    for settings in (FarmSettings(), FarmSettings(workers=3), replace(whole, workers=None)):
        with pytest.raises(UsageError, match="has no machines yet"):
            cluster_share({"memory": 1.0}, settings)
    assert cluster_share({"CPU": 8.0, "GPU": 2.0}, FarmSettings()) == (
        Share(cpus=4, gpus=1, threads=4), 2,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("resources: {posing: {gpu: 1}}", "'posing' is no stage"),
        ("resources: {pose: {gpu: 1.5}}", "resources.pose.gpu is 1.5"),
        ("resources: {pose: many}", "resources.pose is 'many'"),
        ("resources: 3", "resources is '3'"),
        ("workers: 0", "0 workers"),
        ("worker: 1", "worker"),
    ],
)
def test_settings_that_cannot_be_met_are_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        _read(tmp_path / "farm.yaml", text)


def test_a_machine_that_is_to_leave_is_known_until_it_is_let_in_again(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    drain(store, "render-07")
    assert drained_nodes(store) == ("render-07",)
    let_in(store, "render-07")
    assert drained_nodes(store) == ()
    with pytest.raises(UsageError, match="is no machine's name"):
        drain(store, "../jobs")
