"""Training states in the store: the same contract as in a folder, and a run that moves house."""

import shutil
from pathlib import Path

import pytest

from bodyswap.training.checkpoints import Objects
from bodyswap.training.loop import Progress
from cluster.stores.local import LocalStore
from cluster.stores.store import Store
from cluster.training.checkpoints import StoreCheckpoints
from tests.training.checkpoint_contract import CheckpointContract
from tests.training.killed_training import assert_same_end, train_film


class TestStoreCheckpoints(CheckpointContract):
    prefix = "training/mara/"

    @pytest.fixture
    def objects(self, tmp_path: Path) -> Objects:
        return LocalStore(tmp_path / "store")

    def test_runs_do_not_see_each_other(self, objects: Store) -> None:
        StoreCheckpoints(objects, "mara").put(1, b"mara's")
        assert StoreCheckpoints(objects, "mar").newest() is None
        assert StoreCheckpoints(objects, "mara").newest() == b"mara's"


class _LostError(Exception):
    pass


def _lose_machine(progress: Progress) -> None:
    if progress.step == 4:
        raise _LostError


def test_a_run_goes_on_where_its_machine_was_lost_with_all_its_files(tmp_path: Path) -> None:
    kept = StoreCheckpoints(LocalStore(tmp_path / "store"), "mara")
    whole = train_film(tmp_path / "whole")
    with pytest.raises(_LostError):
        train_film(tmp_path / "lost", checkpoints=kept, on_progress=_lose_machine)
    shutil.rmtree(tmp_path / "lost")
    resumed = train_film(tmp_path / "another", checkpoints=kept)
    assert_same_end((tmp_path / "whole", whole), (tmp_path / "another", resumed))
