from pathlib import Path

import pytest

from bodyswap.training.checkpoints import FolderCheckpoints, Objects, _Folder
from tests.training.checkpoint_contract import CheckpointContract


class TestFolderCheckpoints(CheckpointContract):
    @pytest.fixture
    def objects(self, tmp_path: Path) -> Objects:
        return _Folder(tmp_path / "states")

    def test_what_a_kill_left_half_written_is_written_over(self, tmp_path: Path) -> None:
        folder = tmp_path / "states"
        folder.mkdir()
        (folder / ".partial").write_bytes(b"half of a very long state")
        kept = FolderCheckpoints(folder)
        assert kept.newest() is None
        kept.put(1, b"one")
        assert kept.newest() == b"one"
        assert sorted(path.name for path in folder.iterdir()) == ["00000001.json", "00000001.pt"]
