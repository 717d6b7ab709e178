"""`farm up` as people run it: a real process, its controller killed under it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from scraping import found, free_address, scraped

from cluster.jobs.keys import FARM
from cluster.stores.local import LocalStore


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_farm_whose_controller_is_killed_is_up_again_and_goes_down_when_asked(
    tmp_path: Path,
) -> None:
    store, address = tmp_path / "store", free_address()
    command = [sys.executable, "-m", "cluster", "farm", "up", "--runtime", "inline"]
    farm = subprocess.Popen(
        [*command, "--store", str(store), "--metrics", address], stderr=subprocess.PIPE
    )
    try:
        first = _controller(farm.pid, store, 0)
        _is_up(address, restarts=0)
        os.kill(first, signal.SIGKILL)
        assert _controller(farm.pid, store, first) != first
        _is_up(address, restarts=1)
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


def _is_up(address: str, *, restarts: int) -> None:
    """Metrics are answered whatever dies, and soon with those of a controller."""
    deadline_s = time.monotonic() + 60
    while True:
        seen = scraped(address)
        assert found(seen, "controller_restarts_total") <= restarts
        if found(seen, "controller_up") and found(seen, "controller_restarts_total") == restarts:
            assert found(seen, "workers", "busy") == 0
            return
        assert time.monotonic() < deadline_s, "the controller never tells of itself"
        time.sleep(0.2)
