"""`farm drain`: a machine's name that nobody has is told to whoever gave it."""

import time
from pathlib import Path

import pytest
from command_line import run_command

from cluster.farm.drains import drained_nodes
from cluster.jobs.node import Node
from cluster.stores.local import LocalStore
from cluster.telling.farm_seen import FarmSeen, tell_farm

NODES = (
    Node(id="ab12cd", names=("render-07", "host-7", "192.0.2.7")),
    Node(id="ef34", names=("render-08",)),
)


def _told(capsys: pytest.CaptureFixture[str], folder: Path, name: str) -> str:
    store = LocalStore(folder)
    code, _, told = run_command(capsys, "farm", "drain", name, "--store", store.url)
    assert code == 0 and name in drained_nodes(store)
    return told


@pytest.mark.parametrize("name", ["render-07", "host-7", "192.0.2.7", "ab12"])
def test_a_machine_of_the_farm_is_drained_by_whatever_it_is_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    tell_farm(LocalStore(tmp_path), FarmSeen(controller="head", at_s=time.time(), nodes=NODES))
    told = _told(capsys, tmp_path, name)
    assert f"{name} is drained" in told and "has no machine" not in told


def test_a_name_that_no_machine_has_is_told_with_those_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell_farm(LocalStore(tmp_path), FarmSeen(controller="head", at_s=time.time(), nodes=NODES))
    told = _told(capsys, tmp_path, "nosuch")
    assert "the farm has no machine 'nosuch' now; it has render-07, render-08" in told


def test_without_a_farm_no_name_can_be_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "is not checked" in _told(capsys, tmp_path, "render-07")
    tell_farm(LocalStore(tmp_path), FarmSeen(controller="head", at_s=1e9, nodes=NODES))
    assert "is not checked" in _told(capsys, tmp_path, "render-07")
