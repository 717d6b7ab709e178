"""`farm up` as people run it: a real process, its controller killed under it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from cluster.keys import FARM
from cluster.store_local import LocalStore


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_farm_whose_controller_is_killed_is_up_again_and_goes_down_when_asked(
    tmp_path: Path,
) -> None:
    store = tmp_path / "store"
    command = [sys.executable, "-m", "cluster", "farm", "up", "--runtime", "inline"]
    farm = subprocess.Popen([*command, "--store", str(store)], stderr=subprocess.PIPE)
    try:
        first = _controller(farm.pid, store, 0)
        os.kill(first, signal.SIGKILL)
        assert _controller(farm.pid, store, first) != first
        farm.send_signal(signal.SIGTERM)
        _, said = farm.communicate(timeout=60)
    finally:
        farm.kill()
    assert "the farm is down" in said.decode()
    assert farm.returncode == 0


def _controller(supervisor: int, store: Path, before: int) -> int:
    """The controller that is at work, once it is another than `before`."""
    deadline_s = time.monotonic() + 60
    while time.monotonic() < deadline_s:
        children = [pid for pid in _children(supervisor) if pid != before]
        if children and LocalStore(store).list_keys(FARM):
            return children[0]
        time.sleep(0.1)
    raise AssertionError("no controller comes up")
